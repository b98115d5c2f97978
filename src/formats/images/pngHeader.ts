import { checkPartCount, createView, type ImageHeader } from './imageHeader.js';

const SIGNATURE_LENGTH = 8;
const CHUNK_OVERHEAD = 12;
/** The letters `IEND`, the type of the last chunk, as a number. */
const END = 0x49454e44;
/** Types of chunks of text, `tEXt`, `zTXt` and `iTXt`. Decoders decompress them although the pixels do not depend on them. */
const TEXT_CHUNKS = [0x74455874, 0x7a545874, 0x69545874];
/** Samples of a pixel by color type: gray, RGB, palette, gray with alpha, RGB with alpha. A palette is expanded to four samples. */
const SAMPLES: { readonly [colorType: number]: number } = { 0: 1, 2: 3, 3: 4, 4: 2, 6: 4 };

/**
 * Reads the header of a PNG file, and the ranges of its chunks without those of text. Returns undefined for an invalid header.
 *
 * @throws An `Error` if the file has too many chunks.
 */
export function readPngHeader(bytes: Uint8Array): ImageHeader | undefined {
  if (bytes.length < SIGNATURE_LENGTH + CHUNK_OVERHEAD + 13) return undefined;
  const view = createView(bytes);
  const depth = bytes[24]!;
  const samples = SAMPLES[bytes[25]!] ?? 4;
  const ranges: (readonly [number, number])[] = [];
  let start = 0;
  let offset = SIGNATURE_LENGTH;
  let complete = false;
  for (let count = 1; !complete && offset + CHUNK_OVERHEAD <= bytes.length; count++) {
    checkPartCount(count, 'chunks');
    const type = view.getUint32(offset + 4);
    const end = offset + CHUNK_OVERHEAD + view.getUint32(offset);
    if (TEXT_CHUNKS.includes(type)) {
      if (start < offset) ranges.push([start, offset]);
      start = end;
    }
    complete = type === END && end <= bytes.length;
    offset = end;
  }
  if (start > 0 && start < bytes.length) ranges.push([start, bytes.length]);
  return {
    format: 'png',
    width: view.getUint32(16),
    height: view.getUint32(20),
    bytesPerPixel: 1 + samples * (depth === 16 ? 2 : 1),
    shrinksOnLoad: false,
    ...(ranges.length > 0 ? { ranges } : {}),
    isComplete: () => complete,
  };
}
