import { createView, type ImageHeader } from './imageHeader.js';

const TAGS = {
  subfileType: 254,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  stripOffsets: 273,
  samplesPerPixel: 277,
  stripByteCounts: 279,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  dngVersion: 50706,
} as const;

/** Sizes in bytes of the integer types BYTE, SHORT, LONG and LONG8. */
const TYPE_SIZES: { readonly [type: number]: number } = { 1: 1, 3: 2, 4: 4, 16: 8 };

/**
 * Reads the first directory of a TIFF or BigTIFF file. Returns undefined if the file has no directory.
 *
 * @throws An `Error` if the first image is not of full size, as in the raw files of cameras.
 */
export function readTiffHeader(bytes: Uint8Array): ImageHeader | undefined {
  const readTag = openDirectory(bytes);
  if (!readTag) return undefined;
  const [width = 0] = readTag(TAGS.width);
  const [height = 0] = readTag(TAGS.height);
  const isThumbnail = ((readTag(TAGS.subfileType)[0] ?? 0) & 1) === 1;
  if (isThumbnail || readTag(TAGS.dngVersion).length > 0 || isCanonRaw(bytes)) {
    throw new Error(
      'unsupported image format: the first image of the TIFF file is a thumbnail, as in raw files of cameras',
    );
  }
  const [samples = 1] = readTag(TAGS.samplesPerPixel);
  const [bits = 8] = readTag(TAGS.bitsPerSample);
  const [tileWidth = 1] = readTag(TAGS.tileWidth);
  const [tileHeight = 1] = readTag(TAGS.tileHeight);
  const offsets = [...readTag(TAGS.stripOffsets), ...readTag(TAGS.tileOffsets)];
  const counts = [...readTag(TAGS.stripByteCounts), ...readTag(TAGS.tileByteCounts)];
  return {
    format: 'tiff',
    // A whole tile is decoded, even if the image is smaller.
    width: Math.max(width, tileWidth),
    height: Math.max(height, tileHeight),
    bytesPerPixel: 1 + Math.max(3, samples * Math.ceil(bits / 8)),
    shrinksOnLoad: false,
    complete: offsets.every((offset, i) => offset + (counts[i] ?? 0) <= bytes.length),
  };
}

/** The raw files of Canon have the letters CR after the offset of the first directory. */
const isCanonRaw = (bytes: Uint8Array) => bytes[8] === 0x43 && bytes[9] === 0x52;

/** Returns a function that reads the integers of a tag in the first directory: an empty array if it does not exist, or is outside the file. */
function openDirectory(bytes: Uint8Array): ((tag: number) => readonly number[]) | undefined {
  if (bytes.length < 16) return undefined;
  const view = createView(bytes);
  const isLittleEndian = bytes[0] === 0x49;
  const isBigTiff = view.getUint16(2, isLittleEndian) === 43;
  const readLong8 = (offset: number) => Number(view.getBigUint64(offset, isLittleEndian));
  const readInteger = (offset: number, size: number) => {
    if (size === 1) return view.getUint8(offset);
    if (size === 2) return view.getUint16(offset, isLittleEndian);
    return size === 4 ? view.getUint32(offset, isLittleEndian) : readLong8(offset);
  };
  const offsetSize = isBigTiff ? 8 : 4;
  const directory = readInteger(isBigTiff ? 8 : 4, offsetSize);
  const first = directory + (isBigTiff ? 8 : 2);
  if (first > bytes.length) return undefined;
  const count = readInteger(directory, isBigTiff ? 8 : 2);
  const entrySize = isBigTiff ? 20 : 12;
  const entries = new Map<number, number>();
  for (let i = 0; i < count && first + (i + 1) * entrySize <= bytes.length; i++) {
    const entry = first + i * entrySize;
    entries.set(view.getUint16(entry, isLittleEndian), entry);
  }
  return (tag) => {
    const entry = entries.get(tag);
    if (entry === undefined) return [];
    const size = TYPE_SIZES[view.getUint16(entry + 2, isLittleEndian)];
    const length = readInteger(entry + 4, offsetSize);
    const value = entry + 4 + offsetSize;
    if (size === undefined) return [];
    const start = length * size <= offsetSize ? value : readInteger(value, offsetSize);
    if (start + length * size > bytes.length) return [];
    return Array.from({ length }, (_, i) => readInteger(start + i * size, size));
  };
}
