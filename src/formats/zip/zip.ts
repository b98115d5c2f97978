import { zipSync } from 'fflate';
import { createError } from '../../core/errors/errors.js';
import { inflate } from './inflate.js';

/** Where a member lies, by the archive's list at its end. */
interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly checksum: number;
  /** Its own header. */
  readonly headerOffset: number;
}

/**
 * Members of a zip archive by name. Members that are stored as they are, as Keras stores them, are views of `given`, not
 * copies; only deflate is unpacked. The archive is not trusted: a member's size is held against what its bytes can hold
 * before anything is allocated, its checksum is checked, and names that lead out of a folder are refused.
 *
 * @param path - The archive, for errors.
 * @param wanted - Which members are read; all by default.
 * @throws `file` fault for an archive that is cut short, changed, or of another format.
 */
export function readZip(
  given: Uint8Array,
  path: string,
  wanted: (name: string) => boolean = () => true,
): { [member: string]: Uint8Array } {
  // Never a Buffer of Node's: what other functions make of its members would differ.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.length);
  const corrupt = (received: string, cause?: unknown) =>
    createError({
      kind: 'file',
      path,
      expected: 'a whole zip archive, as Keras writes it',
      received,
      advice: 'Save it anew with Keras, or download it again.',
      cause,
    });
  const members = readCentralDirectory(bytes, corrupt);
  const unpacked: [string, Uint8Array][] = [];
  let end = 0;
  for (const member of members.sort((a, b) => a.headerOffset - b.headerOffset)) {
    const { name, headerOffset, compressedSize } = member;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (
      headerOffset < end ||
      headerOffset + 30 > bytes.length ||
      view.getUint32(headerOffset, true) !== 0x04034b50
    ) {
      throw corrupt(`a member "${name}" that is not where the list says`);
    }
    const start =
      headerOffset + 30 + view.getUint16(headerOffset + 26, true) + view.getUint16(headerOffset + 28, true);
    end = start + compressedSize;
    if (end > bytes.length) throw corrupt(`a member "${name}" that is cut short`);
    if (!name.endsWith('/') && wanted(name)) {
      unpacked.push([name, extractEntry(member, bytes.subarray(start, end), corrupt)]);
    }
  }
  return Object.fromEntries(unpacked);
}

/**
 * A zip archive with every member stored as it is, at the earliest date that the format has: the same members give the
 * same bytes. Numbers of a trained network hardly shrink by deflate, and Keras stores them too.
 */
export function writeZip(members: { readonly [name: string]: Uint8Array }): Uint8Array {
  return zipSync({ ...members }, { level: 0, mtime: new Date(1980, 0, 1) });
}

/** The list at the archive's end (PKWARE, APPNOTE 6.3.10, 4.3.12 to 4.3.16). */
function readCentralDirectory(bytes: Uint8Array, corrupt: (received: string) => Error): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const place = (value: bigint) => (value <= BigInt(bytes.length) ? Number(value) : bytes.length + 1);
  let tail = bytes.length - 22; // a comment of up to 65,535 bytes may follow
  const first = Math.max(0, tail - 65_535);
  while (tail >= first && view.getUint32(tail, true) !== 0x06054b50) tail--;
  if (tail < first) throw corrupt(`${bytes.length} bytes of something else or of a part`);
  let count = view.getUint16(tail + 10, true);
  let at = view.getUint32(tail + 16, true);
  if (tail >= 20 && view.getUint32(tail - 20, true) === 0x07064b50) {
    const large = place(view.getBigUint64(tail - 12, true));
    if (large + 56 > bytes.length || view.getUint32(large, true) !== 0x06064b50) {
      throw corrupt('a list of members that is cut short');
    }
    count = place(view.getBigUint64(large + 32, true));
    at = place(view.getBigUint64(large + 48, true));
  }
  const names = new Set<string>();
  const members: ZipEntry[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
      throw corrupt('a list of members that is cut short');
    }
    const extra = at + 46 + view.getUint16(at + 28, true);
    const comment = extra + view.getUint16(at + 30, true);
    const next = comment + view.getUint16(at + 32, true);
    if (next > bytes.length) throw corrupt('a list of members that is cut short');
    const name = new TextDecoder().decode(bytes.subarray(at + 46, extra));
    const parts = name.replace(/\/$/, '').split('/');
    if (/[\\\0]|^[A-Za-z]:/.test(name) || parts.some((part) => ['', '.', '..'].includes(part))) {
      throw corrupt(`a member named "${name}", which leads out of its folder`);
    }
    if (names.has(name)) throw corrupt(`two members named "${name}"`);
    names.add(name);
    if (view.getUint16(at + 8, true) & 1) throw corrupt(`a member "${name}" under a password`);
    const wide = readZip64Fields(view, extra, comment);
    const number = (offset: number) => {
      const short = view.getUint32(at + offset, true);
      return short === 0xffffffff ? place(wide() ?? 0xffffffffn) : short;
    };
    const uncompressedSize = number(24); // the long numbers stand in this order
    const compressedSize = number(20);
    const own = number(42);
    const method = view.getUint16(at + 10, true);
    members.push({
      name,
      method,
      uncompressedSize,
      compressedSize,
      headerOffset: own,
      checksum: view.getUint32(at + 16, true),
    });
    at = next;
  }
  return members;
}

/** Gives, one after another, the numbers of eight bytes that stand in for those of four that are full. */
function readZip64Fields(view: DataView, from: number, to: number): () => bigint | undefined {
  let at = from;
  while (at + 4 <= to && view.getUint16(at, true) !== 1) at += 4 + view.getUint16(at + 2, true);
  const end = at + 4 <= to ? Math.min(to, at + 4 + view.getUint16(at + 2, true)) : to;
  at += 4;
  return () => {
    at += 8;
    return at <= end ? view.getBigUint64(at - 8, true) : undefined;
  };
}

function extractEntry(
  { name, method, uncompressedSize, checksum: sum }: ZipEntry,
  packed: Uint8Array,
  corrupt: (received: string, cause?: unknown) => Error,
): Uint8Array {
  let whole = packed;
  if (method === 8) {
    try {
      whole = inflate(packed, uncompressedSize);
    } catch (cause) {
      throw corrupt(`a member "${name}" that cannot be unpacked (${(cause as Error).message})`, cause);
    }
  } else if (method !== 0) throw corrupt(`a member "${name}" packed by method ${method}`);
  if (whole.length !== uncompressedSize || computeCrc32(whole) !== sum) {
    throw corrupt(`a member "${name}" whose bytes do not match their checksum`);
  }
  return whole;
}

const CRC32_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** Zip's checksum (ISO 3309). */
function computeCrc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) sum = CRC32_TABLE[(sum ^ bytes[i]!) & 255]! ^ (sum >>> 8);
  return ~sum >>> 0;
}
