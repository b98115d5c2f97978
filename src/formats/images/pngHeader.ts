import { createView, type ImageHeader, readTag } from './imageHeader.js';

const SIGNATURE_LENGTH = 8;
const CHUNK_OVERHEAD = 12;
/** Chunks of text, which decoders decompress although the pixels do not depend on them. */
const TEXT_CHUNKS = ['tEXt', 'zTXt', 'iTXt'];
/** Samples of a pixel by color type: gray, RGB, palette, gray with alpha, RGB with alpha. A palette is expanded to four samples. */
const SAMPLES: { readonly [colorType: number]: number } = { 0: 1, 2: 3, 3: 4, 4: 2, 6: 4 };

/** Reads the header of a PNG file, and the ranges of its chunks without those of text. Returns undefined for an invalid header. */
export function readPngHeader(bytes: Uint8Array): ImageHeader | undefined {
  if (bytes.length < SIGNATURE_LENGTH + CHUNK_OVERHEAD + 13) return undefined;
  const view = createView(bytes);
  const depth = bytes[24]!;
  const samples = SAMPLES[bytes[25]!] ?? 4;
  const ranges: (readonly [number, number])[] = [];
  let start = 0;
  let offset = SIGNATURE_LENGTH;
  let complete = false;
  while (!complete && offset + CHUNK_OVERHEAD <= bytes.length) {
    const type = readTag(bytes, offset + 4);
    const end = offset + CHUNK_OVERHEAD + view.getUint32(offset);
    if (TEXT_CHUNKS.includes(type)) {
      ranges.push([start, offset]);
      start = end;
    }
    complete = type === 'IEND' && end <= bytes.length;
    offset = end;
  }
  if (start < bytes.length) ranges.push([start, bytes.length]);
  return {
    format: 'png',
    width: view.getUint32(16),
    height: view.getUint32(20),
    bytesPerPixel: 1 + samples * (depth === 16 ? 2 : 1),
    shrinksOnLoad: false,
    ...(ranges.length > 1 ? { ranges } : {}),
    complete,
  };
}
