import { fetchFileBytes } from '../../core/platform/fetchFileBytes.js';
import type { Platform } from '../../core/platform/platform.js';
import { loadPackage } from './loadPackage.js';
import { readFileBytes } from './readFileBytes.js';
import { sharpDecoder } from './sharpDecoder.js';

/** Platform of Node: optional packages, threads, files, URLs, and sharp as the decoder. */
export const nodePlatform: Platform = {
  name: 'node',
  loadPackage,
  loadDecoder: () => sharpDecoder(),
  readFile: (source) => (/^https?:/i.test(String(source)) ? fetchFileBytes(source) : readLocalFile(source)),
};

/** Reads a file of this machine. `readFile` of Node understands a `file:` URL only as a `URL` object. */
function readLocalFile(source: string | URL): Promise<Uint8Array> {
  const isFileUrl = typeof source === 'string' && /^file:\/\//i.test(source) && URL.canParse(source);
  return readFileBytes(isFileUrl ? new URL(source) : source, 'a file that can be read', 'Check the path.');
}
