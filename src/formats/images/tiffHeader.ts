import { checkPartCount, createView, type ImageHeader } from './imageHeader.js';

const TAGS = {
  subfileType: 254,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  dngVersion: 50706,
} as const;

/** Tags that the pixels depend on: those above, and FillOrder, Orientation, T4Options, Predictor, ColorMap, JPEGTables and others. */
const PIXEL_TAGS = new Set<number>([
  ...Object.values(TAGS),
  ...[263, 266, 274, 292, 293, 301, 317, 320, 332, 334, 338, 339, 340, 341, 347, 529, 530, 531, 532, 34675],
]);

/** Sizes in bytes of the types of values, from BYTE to IFD8. */
const TYPE_SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8] as const;
/** The integer types BYTE, SHORT, LONG and LONG8. */
const INTEGER_TYPES = [1, 3, 4, 16];
/** Largest number of tags that decoders read in a directory. */
const MAX_TAGS = 4096;

/** Integers of a tag, which are read from the file one by one. */
interface TagValues {
  readonly length: number;
  get(index: number): number;
}

const NO_VALUES: TagValues = { length: 0, get: () => 0 };

/**
 * Reads the first directory of a TIFF or BigTIFF file. Returns undefined if the file has no directory.
 *
 * @throws An `Error` if the first image is not of full size, as in the raw files of cameras, or if the directory refers to more data than
 *   the image needs.
 */
export function readTiffHeader(bytes: Uint8Array): ImageHeader | undefined {
  const directory = openDirectory(bytes);
  if (!directory) return undefined;
  const { readTag } = directory;
  const readFirst = (tag: number, defaultValue: number) => {
    const values = readTag(tag);
    return values.length > 0 ? values.get(0) : defaultValue;
  };
  const isThumbnail = (readFirst(TAGS.subfileType, 0) & 1) === 1;
  if (isThumbnail || readTag(TAGS.dngVersion).length > 0 || isCanonRaw(bytes)) {
    throw new Error(
      'unsupported image format: the first image of the TIFF file is a thumbnail, as in raw files of cameras',
    );
  }
  const width = readFirst(TAGS.width, 0);
  const height = readFirst(TAGS.height, 0);
  const samples = readFirst(TAGS.samplesPerPixel, 1);
  const bits = readFirst(TAGS.bitsPerSample, 8);
  const isTiled = readTag(TAGS.tileOffsets).length > 0;
  const tileWidth = readFirst(TAGS.tileWidth, 1);
  const tileHeight = readFirst(TAGS.tileHeight, 1);
  const partWidth = isTiled ? tileWidth : width;
  const partHeight = isTiled ? tileHeight : Math.min(readFirst(TAGS.rowsPerStrip, height), height);
  const planes = readFirst(TAGS.planarConfiguration, 1) === 2 ? samples : 1;
  const partsPerPlane = Math.ceil(width / partWidth) * Math.ceil(height / partHeight);
  checkPartCount(partsPerPlane * planes, 'strips or tiles');
  const offsets = readTag(isTiled ? TAGS.tileOffsets : TAGS.stripOffsets);
  const byteCounts = readTag(isTiled ? TAGS.tileByteCounts : TAGS.stripByteCounts);
  const isPlain = readFirst(TAGS.compression, 1) === 1 && readFirst(TAGS.photometric, 0) !== 6;
  const rowBytes = Math.ceil((partWidth * (samples / planes) * bits) / 8);
  /** Returns whether the file contains the data of all strips or tiles. Only the last strip of a plane has fewer rows than the others. */
  const isComplete = () => {
    const partCount = partsPerPlane * planes;
    if (offsets.length < partCount || (byteCounts.length < partCount && !isPlain)) return false;
    for (let i = 0; i < partCount; i++) {
      const rows = isTiled ? partHeight : Math.min(partHeight, height - (i % partsPerPlane) * partHeight);
      const minimum = isPlain ? rows * rowBytes : 1;
      const byteCount = i < byteCounts.length ? byteCounts.get(i) : minimum;
      const offset = offsets.get(i);
      if (offset < 8 || byteCount < minimum || offset + byteCount > bytes.length) return false;
    }
    return true;
  };
  return {
    format: 'tiff',
    // A whole tile is decoded, even if the image is smaller.
    width: Math.max(width, tileWidth),
    height: Math.max(height, tileHeight),
    bytesPerPixel: 1 + Math.max(3, samples * Math.ceil(bits / 8)),
    shrinksOnLoad: false,
    isComplete,
    repair: directory.createCopy,
  };
}

/** The raw files of Canon have the letters CR after the offset of the first directory. */
const isCanonRaw = (bytes: Uint8Array) => bytes[8] === 0x43 && bytes[9] === 0x52;

/**
 * Opens the first directory of a file.
 *
 * - `readTag` returns the integers of a tag: none if it does not exist, or is outside the file.
 * - `createCopy` returns a copy of the file whose directory contains only the tags of the pixels, in ascending order, and no further pages.
 *
 * @throws An `Error` if the directory has too many tags, or if the values of its tags overlap in the file. Decoders read all of them into
 *   memory.
 */
function openDirectory(
  bytes: Uint8Array,
): { readTag(tag: number): TagValues; createCopy(): Uint8Array } | undefined {
  if (bytes.length < 16) return undefined;
  const view = createView(bytes);
  const isLittleEndian = bytes[0] === 0x49;
  const isBigTiff = view.getUint16(2, isLittleEndian) === 43;
  const readInteger = (offset: number, size: number) => {
    if (size === 1) return view.getUint8(offset);
    if (size === 2) return view.getUint16(offset, isLittleEndian);
    if (size === 4) return view.getUint32(offset, isLittleEndian);
    return Number(view.getBigUint64(offset, isLittleEndian));
  };
  const offsetSize = isBigTiff ? 8 : 4;
  const countSize = isBigTiff ? 8 : 2;
  const directory = readInteger(isBigTiff ? 8 : 4, offsetSize);
  const first = directory + countSize;
  if (first > bytes.length) return undefined;
  const entrySize = isBigTiff ? 20 : 12;
  const count = Math.min(readInteger(directory, countSize), Math.floor((bytes.length - first) / entrySize));
  if (count > MAX_TAGS) throw new Error(`its directory has more than ${MAX_TAGS} tags`);
  const entries = new Map<number, number>();
  const describeValues = (entry: number) => {
    const size = TYPE_SIZES[view.getUint16(entry + 2, isLittleEndian)] ?? 0;
    const length = readInteger(entry + 4, offsetSize);
    const value = entry + 4 + offsetSize;
    const isInline = length * size <= offsetSize;
    const start = isInline ? value : readInteger(value, offsetSize);
    return { size, length, isInline, start, exists: size > 0 && start + length * size <= bytes.length };
  };
  let valueBytes = 0;
  for (let i = 0; i < count; i++) {
    const entry = first + i * entrySize;
    const { size, length, isInline, exists } = describeValues(entry);
    if (exists && !isInline) valueBytes += length * size;
    entries.set(view.getUint16(entry, isLittleEndian), entry);
  }
  if (valueBytes > bytes.length) throw new Error('its directory refers to more data than the file contains');
  const readTag = (tag: number): TagValues => {
    const entry = entries.get(tag);
    if (entry === undefined || !INTEGER_TYPES.includes(view.getUint16(entry + 2, isLittleEndian)))
      return NO_VALUES;
    const { size, length, start, exists } = describeValues(entry);
    return exists ? { length, get: (index) => readInteger(start + index * size, size) } : NO_VALUES;
  };
  const createCopy = () => {
    const copy = new Uint8Array(bytes);
    const used = [...entries].filter(([tag]) => PIXEL_TAGS.has(tag)).sort(([a], [b]) => a - b);
    used.forEach(([, entry], i) => {
      copy.set(bytes.subarray(entry, entry + entrySize), first + i * entrySize);
    });
    // The low bytes of the number of tags. The other bytes of a BigTIFF number are 0, because it is at most MAX_TAGS.
    const countOffset = directory + (isBigTiff && !isLittleEndian ? 6 : 0);
    createView(copy).setUint16(countOffset, used.length, isLittleEndian);
    const end = first + used.length * entrySize;
    copy.fill(0, end, Math.min(end + offsetSize, first + count * entrySize + offsetSize));
    return copy;
  };
  return { readTag, createCopy };
}
