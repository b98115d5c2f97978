import { createView, type ImageHeader, readTag } from './imageHeader.js';

/** Reads the size of a WebP file: of the canvas, or of an image that exceeds it. Returns undefined if the file contains no image. */
export function readWebpHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = createView(bytes);
  let width = 0;
  let height = 0;
  let isLossless = false;
  let offset = 12;
  let hasImage = false;
  while (!hasImage && offset + 18 <= bytes.length) {
    const type = readTag(bytes, offset);
    const data = offset + 8;
    if (type === 'VP8X') {
      width = readUint24(bytes, data + 4) + 1;
      height = readUint24(bytes, data + 7) + 1;
    } else if (type === 'VP8 ') {
      width = Math.max(width, view.getUint16(data + 6, true) & 0x3fff);
      height = Math.max(height, view.getUint16(data + 8, true) & 0x3fff);
      hasImage = true;
    } else if (type === 'VP8L') {
      const size = view.getUint32(data + 1, true);
      width = Math.max(width, (size & 0x3fff) + 1);
      height = Math.max(height, ((size >>> 14) & 0x3fff) + 1);
      isLossless = true;
      hasImage = true;
    }
    // A frame of an animation contains an image after 16 bytes. All other chunks are skipped.
    const length = view.getUint32(offset + 4, true);
    offset = type === 'ANMF' ? data + 16 : data + length + (length & 1);
  }
  if (!hasImage) return undefined;
  return {
    format: 'webp',
    width,
    height,
    bytesPerPixel: 5,
    shrinksOnLoad: !isLossless,
    complete: view.getUint32(4, true) + 8 <= bytes.length,
  };
}

const readUint24 = (bytes: Uint8Array, offset: number) =>
  bytes[offset]! + bytes[offset + 1]! * 256 + bytes[offset + 2]! * 65536;
