import { isAvif, readAvifHeader } from './avifHeader.js';
import { readGifHeader } from './gifHeader.js';
import { createView, type ImageFileFormat, type ImageHeader, readTag } from './imageHeader.js';
import { readJpegHeader } from './jpegHeader.js';
import { readPngHeader } from './pngHeader.js';
import { readTiffHeader } from './tiffHeader.js';
import { readWebpHeader } from './webpHeader.js';

const READERS: { readonly [format in ImageFileFormat]: (bytes: Uint8Array) => ImageHeader | undefined } = {
  jpeg: readJpegHeader,
  png: readPngHeader,
  gif: readGifHeader,
  webp: readWebpHeader,
  tiff: readTiffHeader,
  avif: readAvifHeader,
};

/** Detects the format of an image file by its first bytes. Returns undefined for any other file, for example SVG, BMP or HEIC. */
export function detectImageFileFormat(bytes: Uint8Array): ImageFileFormat | undefined {
  if (bytes.length < 12) return undefined;
  const start = createView(bytes).getUint32(0);
  if (start >>> 8 === 0xffd8ff) return 'jpeg';
  if (start === 0x89504e47) return 'png';
  if (readTag(bytes, 0) === 'GIF8') return 'gif';
  if (readTag(bytes, 0) === 'RIFF' && readTag(bytes, 8) === 'WEBP') return 'webp';
  if ([0x49492a00, 0x4d4d002a, 0x49492b00, 0x4d4d002b].includes(start)) return 'tiff';
  return isAvif(bytes) ? 'avif' : undefined;
}

/**
 * Reads the format and the size of an image file without decoding it. Only the first image of a file with several frames or pages counts.
 *
 * @throws An `Error` whose message is a clause about the file, if its format is not supported or its header is damaged.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  const format = detectImageFileFormat(bytes);
  if (!format)
    throw new Error('unsupported image format: its content is not JPEG, PNG, GIF, WebP, TIFF or AVIF');
  const header = READERS[format](bytes);
  if (!header) throw new Error(`the file has no valid ${format.toUpperCase()} header of an image`);
  return header;
}

/** Returns the bytes of the first image of a file, without other frames and without text. */
export function extractImage(bytes: Uint8Array, { format, ranges }: ImageHeader): Uint8Array {
  if (!ranges) return bytes;
  const parts = ranges.map(([start, end]) => bytes.subarray(start, end));
  if (format === 'gif') parts.push(new Uint8Array([0x3b])); // The trailer of the file.
  const image = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    image.set(part, offset);
    offset += part.length;
  }
  return image;
}
