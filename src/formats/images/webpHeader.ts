import { checkPartCount, createView, type ImageHeader } from './imageHeader.js';

/** Types of chunks as numbers: the letters `VP8X`, `VP8 `, `VP8L` and `ANMF`. */
const EXTENDED_HEADER = 0x56503858;
const LOSSY_IMAGE = 0x56503820;
const LOSSLESS_IMAGE = 0x5650384c;
const FRAME = 0x414e4d46;

/**
 * Reads the size of a WebP file: of the canvas, or of an image that exceeds it. Returns undefined if the file contains no image.
 *
 * @throws An `Error` if the file has too many chunks.
 */
export function readWebpHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = createView(bytes);
  let width = 0;
  let height = 0;
  let isLossless = false;
  let offset = 12;
  let hasImage = false;
  // The chunks after the first image are counted too, because decoders read all of them.
  for (let count = 1; offset + 8 <= bytes.length; count++) {
    checkPartCount(count, 'chunks');
    const type = view.getUint32(offset);
    const length = view.getUint32(offset + 4, true);
    const data = offset + 8;
    if (!hasImage && offset + 18 <= bytes.length) {
      if (type === EXTENDED_HEADER) {
        width = readUint24(bytes, data + 4) + 1;
        height = readUint24(bytes, data + 7) + 1;
      } else if (type === LOSSY_IMAGE) {
        width = Math.max(width, view.getUint16(data + 6, true) & 0x3fff);
        height = Math.max(height, view.getUint16(data + 8, true) & 0x3fff);
        hasImage = true;
      } else if (type === LOSSLESS_IMAGE) {
        const size = view.getUint32(data + 1, true);
        width = Math.max(width, (size & 0x3fff) + 1);
        height = Math.max(height, ((size >>> 14) & 0x3fff) + 1);
        isLossless = true;
        hasImage = true;
      }
    }
    // A frame of an animation contains an image after 16 bytes. All other chunks are skipped.
    offset = type === FRAME && !hasImage ? data + 16 : data + length + (length & 1);
  }
  if (!hasImage) return undefined;
  return {
    format: 'webp',
    width,
    height,
    bytesPerPixel: 5,
    shrinksOnLoad: !isLossless,
    isComplete: () => view.getUint32(4, true) + 8 <= bytes.length,
  };
}

const readUint24 = (bytes: Uint8Array, offset: number) =>
  bytes[offset]! + bytes[offset + 1]! * 256 + bytes[offset + 2]! * 65536;
