import { fetchFileBytes } from '../../core/platform/fetchFileBytes.js';
import type { Platform, ReadLimits } from '../../core/platform/platform.js';
import { loadPackage } from './loadPackage.js';
import { readFileBytes } from './readFileBytes.js';
import { sharpDecoder } from './sharpDecoder.js';

/**
 * Implementation of the platform functions for Node. It imports optional packages, provides threads, reads files and URLs,
 * and decodes images with sharp.
 */
export const nodePlatform: Platform = {
  name: 'node',
  loadPackage,
  loadDecoder: () => sharpDecoder(),
  readFile: (source, limits) =>
    /^https?:/i.test(String(source)) ? fetchFileBytes(source, limits) : readLocalFile(source, limits),
};

/** Reads a file on this machine. Node's `readFile` accepts a `file:` URL only as a `URL` object. */
function readLocalFile(source: string | URL, limits?: ReadLimits): Promise<Uint8Array> {
  const isFileUrl = typeof source === 'string' && /^file:\/\//i.test(source) && URL.canParse(source);
  return readFileBytes(isFileUrl ? new URL(source) : source, 'a readable file', 'Check the path.', limits);
}
