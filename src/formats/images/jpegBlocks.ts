import { findJpegMarker, getJpegSegmentEnd, hasJpegSegment } from './jpegMarkers.js';

/** Length of the codes that are looked up in one step. */
const SHORT_BITS = 9;

/** Huffman table of a JPEG file, for reading one code after another. */
interface HuffmanTable {
  /** For every sequence of `SHORT_BITS` bits that begins with a code: 256 times the length of the code, plus its symbol. 0 for a longer code. */
  readonly short: Uint16Array;
  /** For every length of a code: the largest code of this length or less, shifted to 16 bits, plus 1. */
  readonly limits: Int32Array;
  /** For every length of a code: the difference between the index of a symbol and its code. */
  readonly offsets: Int32Array;
  readonly symbols: Uint8Array;
}

/** Component of a scan: the number of its blocks in a unit of the scan, and its tables. */
interface ScanComponent {
  readonly blockCount: number;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
}

/** Number of bytes after the end of the image that are compared with the padding of cameras. */
const FILL_LENGTH = 16;

/**
 * Returns whether the scan of a sequential JPEG file contains all blocks of its image. Decoders fill missing blocks with gray. The
 * coefficients are skipped, not decoded.
 *
 * @param frame - Offset of the second byte of the marker of the frame header.
 * @param scan - Offset of the second byte of the marker of the scan, which contains all components.
 */
export function hasAllJpegBlocks(bytes: Uint8Array, frame: number, scan: number): boolean {
  const tables = new Map<number, HuffmanTable>();
  let restartInterval = 0;
  for (let offset = 2; offset < scan; ) {
    offset = findJpegMarker(bytes, offset);
    if (offset < 0 || offset >= scan) break;
    const marker = bytes[offset]!;
    if (!hasJpegSegment(marker)) continue;
    const end = getJpegSegmentEnd(bytes, offset);
    if (marker === 0xc4) readHuffmanTables(bytes.subarray(offset + 3, end), tables);
    if (marker === 0xdd) restartInterval = bytes[offset + 3]! * 256 + bytes[offset + 4]!;
    offset = end;
  }
  const height = bytes[frame + 4]! * 256 + bytes[frame + 5]!;
  const width = bytes[frame + 6]! * 256 + bytes[frame + 7]!;
  const count = bytes[frame + 8]!;
  const frameComponents = Array.from({ length: count }, (_, i) => ({
    id: bytes[frame + 9 + 3 * i]!,
    horizontal: bytes[frame + 10 + 3 * i]! >> 4,
    vertical: bytes[frame + 10 + 3 * i]! & 15,
  }));
  const components: ScanComponent[] = [];
  for (let i = 0; i < count; i++) {
    const id = bytes[scan + 4 + 2 * i]!;
    const selector = bytes[scan + 5 + 2 * i]!;
    const component = frameComponents.find((other) => other.id === id);
    const dc = tables.get(selector >> 4);
    const ac = tables.get(16 + (selector & 15));
    if (!component || !dc || !ac) return false;
    components.push({ blockCount: count === 1 ? 1 : component.horizontal * component.vertical, dc, ac });
  }
  // The only component of a scan is not divided into units of several blocks.
  const unitWidth = 8 * (count === 1 ? 1 : Math.max(...frameComponents.map(({ horizontal }) => horizontal)));
  const unitHeight = 8 * (count === 1 ? 1 : Math.max(...frameComponents.map(({ vertical }) => vertical)));
  const unitCount = Math.ceil(width / unitWidth) * Math.ceil(height / unitHeight);
  const data = scan + 1 + bytes[scan + 1]! * 256 + bytes[scan + 2]!;
  return hasUnits(bytes, data, components, unitCount, restartInterval);
}

function readHuffmanTables(data: Uint8Array, tables: Map<number, HuffmanTable>): void {
  for (let offset = 0; offset + 17 <= data.length; ) {
    const lengths = data.subarray(offset + 1, offset + 17);
    const symbolCount = lengths.reduce((sum, length) => sum + length, 0);
    const symbols = data.subarray(offset + 17, offset + 17 + symbolCount);
    tables.set(data[offset]!, createHuffmanTable(lengths, symbols));
    offset += 17 + symbolCount;
  }
}

/** Creates a table from the number of codes of each length, and the symbols in the order of their codes. */
function createHuffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const short = new Uint16Array(2 ** SHORT_BITS);
  const limits = new Int32Array(17);
  const offsets = new Int32Array(17);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= 16; length++) {
    const codeCount = counts[length - 1]!;
    offsets[length] = index - code;
    for (let i = 0; i < codeCount && length <= SHORT_BITS; i++) {
      const first = (code + i) << (SHORT_BITS - length);
      short.fill(256 * length + (symbols[index + i] ?? 0), first, first + (1 << (SHORT_BITS - length)));
    }
    code += codeCount;
    index += codeCount;
    limits[length] = code << (16 - length);
    code <<= 1;
  }
  return { short, limits, offsets, symbols };
}

/** Returns whether scan data at `start` contain this number of units, each with the blocks of all components. */
function hasUnits(
  bytes: Uint8Array,
  start: number,
  components: readonly ScanComponent[],
  unitCount: number,
  restartInterval: number,
): boolean {
  let offset = start;
  let buffer = 0;
  let bitCount = 0;
  /** Zero bits that were added to the buffer after the end of the data. */
  let addedBits = 0;
  const blocks = components.flatMap(({ blockCount, dc, ac }) =>
    Array.from({ length: blockCount }, () => ({ dc, ac })),
  );
  // This loop reads every code of the file, so it calls no functions.
  for (let unit = 0; unit < unitCount; unit++) {
    if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0) {
      offset = findJpegMarker(bytes, offset);
      const marker = bytes[offset];
      if (marker === undefined || marker < 0xd0 || marker > 0xd7) return false;
      offset++;
      buffer = 0;
      bitCount = 0;
      addedBits = 0;
    }
    for (let block = 0; block < blocks.length; block++) {
      const { dc, ac } = blocks[block]!;
      for (let i = 0; i < 64; ) {
        const table = i === 0 ? dc : ac;
        let size = 0; // Bits that follow the code in addition to those in the buffer.
        for (let hasCode = false; ; hasCode = true) {
          while (bitCount <= 24) {
            const byte = offset < bytes.length ? bytes[offset]! : 0xff;
            if (byte !== 0xff) {
              buffer = (buffer << 8) | byte;
              offset++;
            } else if (bytes[offset + 1] === 0) {
              buffer = (buffer << 8) | 0xff;
              offset += 2;
            } else {
              buffer <<= 8;
              addedBits += 8;
            }
            bitCount += 8;
          }
          if (hasCode) break;
          const entry = table.short[(buffer >>> (bitCount - SHORT_BITS)) & (2 ** SHORT_BITS - 1)]!;
          let symbol = entry & 255;
          if (entry > 0) bitCount -= entry >> 8;
          else {
            const bits = (buffer >>> (bitCount - 16)) & 0xffff;
            let length = SHORT_BITS + 1;
            while (length <= 16 && bits >= table.limits[length]!) length++;
            if (length > 16) return false;
            bitCount -= length;
            symbol = table.symbols[(bits >> (16 - length)) + table.offsets[length]!] ?? 0;
          }
          if (i === 0) {
            size = symbol & 31;
            i = 1;
          } else {
            size = symbol & 15;
            i = size === 0 && symbol !== 0xf0 ? 64 : i + 1 + (symbol >> 4);
          }
          if (size <= bitCount) break;
        }
        bitCount -= size;
      }
    }
    if (addedBits > bitCount) return false;
  }
  const end = offset - ((bitCount - addedBits) >> 3);
  return !isOverwritten(bytes, end, findJpegMarker(bytes, offset) - 1);
}

/**
 * Returns whether bytes follow the end of the image at `end` that are not padding. A part of the data before them was then overwritten,
 * for example with zeros by an interrupted copy. The padding of cameras consists of equal bytes that differ from the data before them.
 */
function isOverwritten(bytes: Uint8Array, end: number, marker: number): boolean {
  if (marker - end < FILL_LENGTH) return false;
  const isConstant = (start: number, stop: number) =>
    bytes.subarray(start, stop).every((byte) => byte === bytes[end]);
  return !isConstant(end, marker) || isConstant(end - FILL_LENGTH, end);
}
