/**
 * What needs a page: files that a user picks, the page's image decoder, a model that a server holds.
 *
 * @module tfjs-multitask/browser
 */
export { canvasDecoder } from './canvasDecoder.js';
export { httpStore } from './httpStore.js';
export { imageFiles } from './imageFiles.js';
export { webWorkers } from './webWorkers.js';
