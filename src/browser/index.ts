/**
 * Functions for web pages: datasets from selected files, a canvas decoder, web workers, and loading models from a server.
 *
 * @module tfjs-multitask/browser
 */
export { canvasDecoder } from './canvasDecoder.js';
export { type HttpStoreOptions, httpStore } from './httpStore.js';
export { imageFiles } from './imageFiles.js';
export { webWorkers } from './webWorkers.js';
