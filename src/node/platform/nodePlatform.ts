import type { Platform } from '../../core/platform/platform.js';
import { loadPackage } from './loadPackage.js';
import { readFileBytes } from './readFileBytes.js';
import { sharpDecoder } from './sharpDecoder.js';

/** Platform for Node: imports optional packages, provides threads and files, and decodes images with sharp. */
export const nodePlatform: Platform = {
  name: 'node',
  loadPackage,
  loadDecoder: () => sharpDecoder(),
  readFile: (path) => readFileBytes(path, 'a readable file', 'Check the path.'),
};
