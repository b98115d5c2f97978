import { zipSync } from 'fflate';
import { createFileError } from '../../core/errors/errors.js';
import { createCrc32 } from '../crc32.js';
import { inflate } from './inflate.js';

/** Entry of a zip archive's central directory, which describes one member. */
interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly checksum: number;
  /** Offset of the member's local header. */
  readonly headerOffset: number;
}

/**
 * Reads the members of a zip archive, and returns their contents keyed by name.
 *
 * Uncompressed members, as Keras stores them, are returned as views of `archive`, not copies; deflate is the only supported compression.
 * The archive is not trusted: the size of each member is checked before any memory is allocated, its checksum is verified, and paths that
 * point outside the archive are rejected.
 *
 * @param path - Path of the archive, for errors.
 * @param isWanted - Selects the members to read, by name. Default: all members.
 * @throws A `file` error if the archive is truncated, corrupted or in another format.
 */
export function readZip(
  archive: Uint8Array,
  path: string,
  isWanted: (name: string) => boolean = () => true,
): { [member: string]: Uint8Array } {
  // Never a Node.js Buffer: slice() of the returned members would return views instead of copies.
  const bytes = new Uint8Array(archive.buffer, archive.byteOffset, archive.length);
  const createCorruptError = (received: string, cause?: unknown) =>
    createFileError(
      path,
      'a complete zip archive written by Keras',
      received,
      'Save the file again with Keras, or download it again.',
      cause,
    );
  const members = readCentralDirectory(bytes, createCorruptError);
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
      throw createCorruptError(
        `a member "${name}" that is not at the offset stored in the central directory`,
      );
    }
    const start =
      headerOffset + 30 + view.getUint16(headerOffset + 26, true) + view.getUint16(headerOffset + 28, true);
    end = start + compressedSize;
    if (end > bytes.length) throw createCorruptError(`a truncated member "${name}"`);
    if (!name.endsWith('/') && isWanted(name)) {
      unpacked.push([name, extractEntry(member, bytes.subarray(start, end), createCorruptError)]);
    }
  }
  return Object.fromEntries(unpacked);
}

/**
 * Writes a zip archive of uncompressed members. All members have the earliest date that the format supports, so
 * the same members result in the same bytes. Keras does not compress members either, because the weights of a trained network are hardly
 * compressible.
 */
export function writeZip(members: { readonly [name: string]: Uint8Array }): Uint8Array {
  return zipSync({ ...members }, { level: 0, mtime: new Date(1980, 0, 1) });
}

/** Reads the central directory (PKWARE APPNOTE 6.3.10, sections 4.3.12 to 4.3.16). */
function readCentralDirectory(
  bytes: Uint8Array,
  createCorruptError: (received: string) => Error,
): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const toOffset = (value: bigint) => (value <= BigInt(bytes.length) ? Number(value) : bytes.length + 1);
  let tail = bytes.length - 22; // The comment after this record has at most 65,535 bytes.
  const first = Math.max(0, tail - 65_535);
  while (tail >= first && view.getUint32(tail, true) !== 0x06054b50) tail--;
  if (tail < first)
    throw createCorruptError(`${bytes.length} bytes that are not a zip archive, or a truncated archive`);
  let count = view.getUint16(tail + 10, true);
  let at = view.getUint32(tail + 16, true);
  if (tail >= 20 && view.getUint32(tail - 20, true) === 0x07064b50) {
    const large = toOffset(view.getBigUint64(tail - 12, true));
    if (large + 56 > bytes.length || view.getUint32(large, true) !== 0x06064b50) {
      throw createCorruptError('a truncated list of entries');
    }
    count = toOffset(view.getBigUint64(large + 32, true));
    at = toOffset(view.getBigUint64(large + 48, true));
  }
  const memberNames = new Set<string>();
  const members: ZipEntry[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
      throw createCorruptError('a truncated list of entries');
    }
    const extra = at + 46 + view.getUint16(at + 28, true);
    const comment = extra + view.getUint16(at + 30, true);
    const next = comment + view.getUint16(at + 32, true);
    if (next > bytes.length) throw createCorruptError('a truncated list of entries');
    const name = new TextDecoder().decode(bytes.subarray(at + 46, extra));
    const parts = name.replace(/\/$/, '').split('/');
    if (/[\\\0]|^[A-Za-z]:/.test(name) || parts.some((part) => ['', '.', '..'].includes(part))) {
      throw createCorruptError(`a member named "${name}", which is a path outside the archive`);
    }
    if (memberNames.has(name)) throw createCorruptError(`two members named "${name}"`);
    memberNames.add(name);
    if (view.getUint16(at + 8, true) & 1) throw createCorruptError(`an encrypted member "${name}"`);
    const nextZip64Field = readZip64Fields(view, extra, comment);
    const number = (offset: number) => {
      const short = view.getUint32(at + offset, true);
      return short === 0xffffffff ? toOffset(nextZip64Field() ?? 0xffffffffn) : short;
    };
    const uncompressedSize = number(24); // The order of these calls is the order of the zip64 fields.
    const compressedSize = number(20);
    const headerOffset = number(42);
    const method = view.getUint16(at + 10, true);
    members.push({
      name,
      method,
      uncompressedSize,
      compressedSize,
      headerOffset,
      checksum: view.getUint32(at + 16, true),
    });
    at = next;
  }
  return members;
}

/** Returns a function that reads the next zip64 field. The 8-byte fields replace sizes and offsets that do not fit into 4 bytes. */
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
  createCorruptError: (received: string, cause?: unknown) => Error,
): Uint8Array {
  let whole = packed;
  if (method === 8) {
    try {
      whole = inflate(packed, uncompressedSize);
    } catch (cause) {
      throw createCorruptError(
        `a member "${name}" that cannot be decompressed (${(cause as Error).message})`,
        cause,
      );
    }
  } else if (method !== 0)
    throw createCorruptError(`a member "${name}" with the unsupported compression method ${method}`);
  if (whole.length !== uncompressedSize || computeCrc32(whole) !== sum) {
    throw createCorruptError(`a member "${name}" whose bytes do not match their checksum`);
  }
  return whole;
}

/** Computes the CRC-32 of the zip format (ISO 3309). */
const computeCrc32 = createCrc32(0xedb88320);
