import { MESSAGE_TYPE } from '../messageTypes.js';
import { type ByteReader, UNDEFINED_ADDRESS } from './byteReader.js';
import { readHeapObjects } from './fractalHeap.js';
import { findMessage, type HeaderMessage } from './objectHeader.js';

/** Link from a group to one of its members. */
export interface Link {
  readonly name: string;
  /** Address of the object header of the linked group or dataset. */
  readonly address: number;
}

/** Maximum length of a name in bytes. The names in Keras files are much shorter. */
const MAX_NAME_BYTES = 4096;

/** Returns whether an object with the header messages `messages` is a group. */
export const isGroup = (messages: readonly HeaderMessage[]) =>
  messages.some(({ type }) => type === MESSAGE_TYPE.symbols || type === MESSAGE_TYPE.links);

/**
 * Reads the members of a group. Only hard links are accepted: a soft link or a link to another file throws a
 * `file` error.
 */
export function readLinks(file: ByteReader, messages: readonly HeaderMessage[]): Link[] {
  const symbols = findMessage(messages, MESSAGE_TYPE.symbols);
  if (symbols) return readSymbolTable(file, file.address(symbols.offset), file.address(symbols.offset + 8));
  const links = messages
    .filter(({ type }) => type === MESSAGE_TYPE.link)
    .map(({ offset, size }) => readLinkMessage(file, offset, size));
  const info = findMessage(messages, MESSAGE_TYPE.links)!.offset;
  const heap = info + 2 + (file.uint8(info + 1) & 1 ? 8 : 0);
  if (file.address(heap) === UNDEFINED_ADDRESS) return links;
  return readHeapObjects(file, 'links', file.address(heap), file.address(heap + 8)).map(({ offset, size }) =>
    readLinkMessage(file, offset, size),
  );
}

/**
 * Reads the symbol table of a group in the original layout: a B-tree, symbol nodes and a heap of names (HDF5 file format 3.0, sections
 * III.A.1 to III.D).
 */
function readSymbolTable(file: ByteReader, tree: number, heap: number): Link[] {
  file.visit(heap, 'HEAP');
  const nameHeap = file.subarray(file.address(heap + 24), file.uint64(heap + 8));
  const links: Link[] = [];
  const walk = (node: number, level: number | undefined) => {
    file.visit(node, 'TREE');
    file.spend('headers', 16 * file.uint16(node + 6));
    const height = file.uint8(node + 5);
    if (file.uint8(node + 4) !== 0 || height !== (level ?? height))
      throw file.createCorruptFileError('a B-tree of an unexpected type');
    for (let i = 0; i < file.uint16(node + 6); i++) {
      const child = file.address(node + 32 + 16 * i);
      if (height > 0) walk(child, height - 1);
      else readSymbolNode(file, child, nameHeap, links);
    }
  };
  walk(tree, undefined);
  return links;
}

function readSymbolNode(file: ByteReader, node: number, nameHeap: Uint8Array, links: Link[]): void {
  file.visit(node, 'SNOD');
  file.spend('headers', 40 * file.uint16(node + 6));
  for (let i = 0; i < file.uint16(node + 6); i++) {
    const at = node + 8 + 40 * i;
    const start = file.uint64(at);
    const end = nameHeap.subarray(0, start + MAX_NAME_BYTES).indexOf(0, start);
    if (end < start) throw file.createCorruptFileError('an unterminated name');
    if (file.uint32(at + 16) === 2) throw file.createCorruptFileError('a soft link, which is not supported,');
    links.push({
      name: new TextDecoder().decode(nameHeap.subarray(start, end)),
      address: file.address(at + 8),
    });
  }
}

/** Reads a link message, which HDF5 2 writes instead of a symbol table (HDF5 file format 3.0, section IV.A.2.g). */
function readLinkMessage(file: ByteReader, at: number, size: number): Link {
  const flags = file.uint8(at + 1);
  const type = flags & 8 ? file.uint8(at + 2) : 0;
  if (type !== 0) throw file.createCorruptFileError('a soft or external link, which is not supported,');
  const length = at + 2 + (flags & 8 ? 1 : 0) + (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
  const width = 1 << (flags & 3);
  const bytes = file.uintOfSize(length, Math.min(width, 6));
  if (bytes > MAX_NAME_BYTES || length + width + bytes + 8 > at + size)
    throw file.createCorruptFileError('an unterminated name');
  return { name: file.text(length + width, bytes), address: file.address(length + width + bytes) };
}
