import type { ImageHeader } from './imageHeader.js';

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;

/** Reads the frame header of a JPEG file (ITU-T T.81, B.2.2). Returns undefined if the file has none. */
export function readJpegHeader(bytes: Uint8Array): ImageHeader | undefined {
  let header: ImageHeader | undefined;
  let offset = 2;
  while (offset < bytes.length) {
    // Bytes before a marker are scan data, or padding that decoders skip.
    offset = bytes.indexOf(0xff, offset);
    if (offset < 0) break;
    const marker = bytes[++offset];
    if (marker === END_OF_IMAGE && header) return { ...header, complete: true };
    // 0xFF00 is an escaped byte of scan data. Markers from 0xD0 to 0xD8 have no segment.
    if (
      marker === undefined ||
      marker === 0xff ||
      marker === 0 ||
      (marker >= 0xd0 && marker <= END_OF_IMAGE)
    ) {
      continue;
    }
    const length = bytes[offset + 1]! * 256 + bytes[offset + 2]!;
    if (isFrameMarker(marker) && offset + 8 < bytes.length) header ??= readFrameHeader(bytes, offset, marker);
    if (marker === START_OF_SCAN && !header) return undefined;
    offset += 1 + (Number.isNaN(length) ? 0 : length);
  }
  return header && { ...header, complete: false };
}

/** Frame headers are 0xC0 to 0xCF, except for Huffman tables, extensions and arithmetic coding conditions. */
const isFrameMarker = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function readFrameHeader(bytes: Uint8Array, offset: number, marker: number): ImageHeader {
  const isSequential = marker <= 0xc1;
  const components = bytes[offset + 8]!;
  return {
    format: 'jpeg',
    height: bytes[offset + 4]! * 256 + bytes[offset + 5]!,
    width: bytes[offset + 6]! * 256 + bytes[offset + 7]!,
    // The coefficients of a progressive image are in memory, with two bytes each.
    bytesPerPixel: isSequential ? 4 : 2 * components + 1,
    shrinksOnLoad: isSequential,
  };
}
