import { createView, type ImageHeader } from './imageHeader.js';

const EXTENSION = 0x21;
const IMAGE = 0x2c;

/**
 * Reads the size of the first image of a GIF file, and the range of the file up to its end. Returns undefined if the file contains no
 * image. A file that ends before the end of the first image is not complete.
 */
export function readGifHeader(bytes: Uint8Array): ImageHeader | undefined {
  if (bytes.length < 13) return undefined;
  const view = createView(bytes);
  let offset = 13 + getColorTableLength(bytes[10]!);
  // Extensions, for example comments and the delay of a frame, can precede the image.
  while (bytes[offset] === EXTENSION) offset = skipBlocks(bytes, offset + 2);
  if (bytes[offset] !== IMAGE || offset + 10 >= bytes.length) return undefined;
  const right = view.getUint16(offset + 1, true) + view.getUint16(offset + 5, true);
  const bottom = view.getUint16(offset + 3, true) + view.getUint16(offset + 7, true);
  const end = skipBlocks(bytes, offset + 10 + getColorTableLength(bytes[offset + 9]!) + 1);
  return {
    format: 'gif',
    // Decoders enlarge the canvas for an image that exceeds it.
    width: Math.max(view.getUint16(6, true), right),
    height: Math.max(view.getUint16(8, true), bottom),
    bytesPerPixel: 5,
    shrinksOnLoad: false,
    ranges: [[0, Math.min(end, bytes.length)]],
    complete: end <= bytes.length,
  };
}

/** Returns the length of a color table in bytes from the flags of the descriptor before it. */
const getColorTableLength = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** Returns the offset after a sequence of data blocks, which an empty block ends. */
function skipBlocks(bytes: Uint8Array, start: number): number {
  let offset = start;
  while (offset < bytes.length && bytes[offset] !== 0) offset += 1 + bytes[offset]!;
  return offset + 1;
}
