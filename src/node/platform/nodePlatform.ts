import type { Platform } from '../../core/platform/platform.js';
import { loadPackage } from './loadPackage.js';
import { readFileBytes } from './readFileBytes.js';
import { sharpDecoder } from './sharpDecoder.js';

/** Platform of Node: optional packages, threads, files, and sharp as the decoder. */
export const nodePlatform: Platform = {
  name: 'node',
  loadPackage,
  loadDecoder: () => sharpDecoder(),
  readFile: (path) => readFileBytes(path, 'a file that can be read', 'Check the path.'),
};
