import { createView, type ImageHeader } from './imageHeader.js';

const EXTENSION = 0x21;
const IMAGE = 0x2c;
/** Largest number of codes in the table of the compression. */
const MAX_CODES = 4096;

/**
 * Reads the size of the first image of a GIF file, and the range of the file up to its end. Returns undefined if the file contains no
 * image. A file that ends before the end of the first image is not complete, and neither is an image whose data describe fewer pixels
 * than it has.
 */
export function readGifHeader(bytes: Uint8Array): ImageHeader | undefined {
  if (bytes.length < 13) return undefined;
  const view = createView(bytes);
  let offset = 13 + getColorTableLength(bytes[10]!);
  // Extensions, for example comments and the delay of a frame, can precede the image.
  while (bytes[offset] === EXTENSION) offset = skipBlocks(bytes, offset + 2);
  if (bytes[offset] !== IMAGE || offset + 10 >= bytes.length) return undefined;
  const width = view.getUint16(offset + 5, true);
  const height = view.getUint16(offset + 7, true);
  const right = view.getUint16(offset + 1, true) + width;
  const bottom = view.getUint16(offset + 3, true) + height;
  const data = offset + 10 + getColorTableLength(bytes[offset + 9]!);
  const end = skipBlocks(bytes, data + 1);
  return {
    format: 'gif',
    // Decoders enlarge the canvas for an image that exceeds it.
    width: Math.max(view.getUint16(6, true), right),
    height: Math.max(view.getUint16(8, true), bottom),
    bytesPerPixel: 5,
    shrinksOnLoad: false,
    ranges: [[0, Math.min(end, bytes.length)]],
    isComplete: () => end <= bytes.length && hasPixels(bytes, data, width * height),
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

/** Returns whether the compressed data at `start` describe this number of pixels. Only the lengths of the codes are decoded. */
function hasPixels(bytes: Uint8Array, start: number, pixelCount: number): boolean {
  const rootBits = bytes[start]!;
  if (rootBits > 11) return false;
  const clearCode = 1 << rootBits;
  const endCode = clearCode + 1;
  /** Number of pixels of every code in the table. */
  const lengths = new Uint32Array(MAX_CODES).fill(1, 0, clearCode);
  let nextCode = endCode + 1;
  let codeBits = rootBits + 1;
  let previousLength = 0;
  let pixels = 0;
  let buffer = 0;
  let bufferBits = 0;
  let offset = start + 1;
  for (let blockEnd = 0; pixels < pixelCount; ) {
    while (bufferBits < codeBits) {
      if (offset >= blockEnd) {
        if (offset >= bytes.length || bytes[offset] === 0) return false;
        blockEnd = offset + 1 + bytes[offset]!;
        offset++;
      }
      buffer |= (bytes[offset++] ?? 0) << bufferBits;
      bufferBits += 8;
    }
    const code = buffer & ((1 << codeBits) - 1);
    buffer >>>= codeBits;
    bufferBits -= codeBits;
    if (code === endCode) return false;
    if (code === clearCode) {
      nextCode = endCode + 1;
      codeBits = rootBits + 1;
      previousLength = 0;
      continue;
    }
    // A code that is not in the table yet is the previous one with one pixel more.
    if (code > nextCode || (code === nextCode && previousLength === 0)) return false;
    const length = code === nextCode ? previousLength + 1 : lengths[code]!;
    pixels += length;
    if (previousLength > 0 && nextCode < MAX_CODES) {
      lengths[nextCode++] = previousLength + 1;
      if (nextCode === 1 << codeBits && codeBits < 12) codeBits++;
    }
    previousLength = length;
  }
  return true;
}
