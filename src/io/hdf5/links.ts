import { type FileBytes, NOWHERE } from './fileBytes.js';
import { objectsInHeap } from './fractalHeap.js';
import { MESSAGE, type Message, messageOf } from './messages.js';

/** A member of a group. */
export interface Link {
  readonly name: string;
  /** Where its header stands. */
  readonly address: number;
}

/** Longer than every path of a weight. */
const LONGEST_NAME = 4096;

/** Whether the object with these messages is a group. */
export const isGroup = (messages: readonly Message[]) =>
  messages.some(({ type }) => type === MESSAGE.symbols || type === MESSAGE.links);

/** Members of a group. Only those that the file itself has: links that lead by a name, or to other files, are refused. */
export function linksOf(file: FileBytes, messages: readonly Message[]): Link[] {
  const symbols = messageOf(messages, MESSAGE.symbols);
  if (symbols) return symbolsOf(file, file.address(symbols.at), file.address(symbols.at + 8));
  const links = messages
    .filter(({ type }) => type === MESSAGE.link)
    .map(({ at, size }) => linkAt(file, at, size));
  const info = messageOf(messages, MESSAGE.links)!.at;
  const heap = info + 2 + (file.byte(info + 1) & 1 ? 8 : 0);
  if (file.address(heap) === NOWHERE) return links;
  return objectsInHeap(file, 'links', file.address(heap), file.address(heap + 8)).map(({ at, size }) =>
    linkAt(file, at, size),
  );
}

/** A group's list as files have had it from the first: a tree, lists of symbols, and a heap of names (III.A.1 to III.D). */
function symbolsOf(file: FileBytes, tree: number, heap: number): Link[] {
  file.enter(heap, 'HEAP');
  const names = file.part(file.address(heap + 24), file.long(heap + 8));
  const links: Link[] = [];
  const walk = (node: number, level: number | undefined) => {
    file.enter(node, 'TREE');
    file.spend('headers', 16 * file.short(node + 6));
    const height = file.byte(node + 5);
    if (file.byte(node + 4) !== 0 || height !== (level ?? height))
      throw file.corrupt('a tree of another kind');
    for (let i = 0; i < file.short(node + 6); i++) {
      const child = file.address(node + 32 + 16 * i);
      if (height > 0) walk(child, height - 1);
      else symbolsAt(file, child, names, links);
    }
  };
  walk(tree, undefined);
  return links;
}

function symbolsAt(file: FileBytes, node: number, names: Uint8Array, links: Link[]): void {
  file.enter(node, 'SNOD');
  file.spend('headers', 40 * file.short(node + 6));
  for (let i = 0; i < file.short(node + 6); i++) {
    const at = node + 8 + 40 * i;
    const start = file.long(at);
    const end = names.subarray(0, start + LONGEST_NAME).indexOf(0, start);
    if (end < start) throw file.corrupt('a name without an end');
    if (file.int(at + 16) === 2) throw file.corrupt('a link that leads by a name');
    links.push({ name: new TextDecoder().decode(names.subarray(start, end)), address: file.address(at + 8) });
  }
}

/** A link as HDF5 2 writes it (IV.A.2.g). */
function linkAt(file: FileBytes, at: number, size: number): Link {
  const flags = file.byte(at + 1);
  const type = flags & 8 ? file.byte(at + 2) : 0;
  if (type !== 0) throw file.corrupt('a link that leads by a name, or to another file');
  const length = at + 2 + (flags & 8 ? 1 : 0) + (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
  const width = 1 << (flags & 3);
  const bytes = file.packed(length, Math.min(width, 6));
  if (bytes > LONGEST_NAME || length + width + bytes + 8 > at + size)
    throw file.corrupt('a name without an end');
  return { name: file.text(length + width, bytes), address: file.address(length + width + bytes) };
}
