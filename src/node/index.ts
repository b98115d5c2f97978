export { sharpDecoder } from './decode.js';
export { architectureDiagram, learningCurves, saveFigure, svgToPng } from './figures.js';
export { folderStore } from './folderStore.js';
export { type ImageFolderOptions, imageFolder } from './imageFolder.js';
export { loadPackage } from './packages.js';
