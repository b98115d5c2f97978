import { Fields } from './fields.js';
import type { Parts } from './parts.js';

/** A member of a group: its name in UTF-8, and where its header stands. */
export interface Member {
  readonly name: Uint8Array;
  readonly address: number;
}

/** A group's list of members, as every version of HDF5 reads it. */
export interface SymbolTable {
  readonly tree: number;
  readonly heap: number;
}

/** Half of the members that a list takes, and half of the lists or nodes that a node does: what HDF5 has by itself. */
export const HALF_LIST = 4;
export const HALF_NODE = 16;
const LIST_BYTES = 8 + 40 * 2 * HALF_LIST;
const NODE_BYTES = 24 + 8 * (2 * 2 * HALF_NODE + 1);

/** A list of members, or a node of the tree: where it stands, and where in the heap the last name under it does. */
interface Branch {
  readonly address: number;
  readonly lastName: number;
}

/**
 * Places a group's list: a heap of names, lists of members in the order of their names' bytes, and a tree over them, of as many
 * levels as it takes (III.A.1 to III.D).
 */
export function symbolTable(parts: Parts, symbols: readonly Member[]): SymbolTable {
  const names = new Fields().long(0); // the empty name, which is less than all
  const starts = symbols.map(({ name }) => {
    const start = names.length;
    names.raw(name).byte(0).filled();
    return start;
  });
  const heap = new Fields().ascii('HEAP').int(0).long(names.length);
  heap.long(1); // nothing in it is free
  heap.long(parts.length + 32).raw(names.done());
  const table = { heap: parts.place(heap.done()), tree: 0 };

  const entries = symbols.map(({ address }, i) => ({ address, lastName: starts[i]! }));
  let branches: Branch[] = cut(entries, 2 * HALF_LIST).map((members) => listOf(parts, members));
  let level = 0;
  do {
    branches = levelOf(parts, branches, level++);
  } while (branches.length > 1);
  return { ...table, tree: branches[0]!.address };
}

function listOf(parts: Parts, members: readonly Branch[]): Branch {
  const list = new Fields().ascii('SNOD').byte(1, 0).short(members.length);
  for (const { address, lastName } of members) list.long(lastName).long(address).long(0).long(0).long(0);
  return { address: parts.place(list.filled(LIST_BYTES).done()), lastName: members.at(-1)!.lastName };
}

/** A level of the tree: nodes that know their neighbours, and between two branches the name up to which the first one goes. */
function levelOf(parts: Parts, branches: readonly Branch[], level: number): Branch[] {
  const first = parts.length;
  const nodes = branches.length === 0 ? [[]] : cut(branches, 2 * HALF_NODE);
  let name = 0;
  return nodes.map((inner, i) => {
    const node = new Fields().ascii('TREE').byte(0, level).short(inner.length);
    if (i > 0) node.long(first + (i - 1) * NODE_BYTES);
    else node.nowhere();
    if (i < nodes.length - 1) node.long(first + (i + 1) * NODE_BYTES);
    else node.nowhere();
    node.long(name);
    for (const { address, lastName } of inner) node.long(address).long(lastName);
    name = inner.at(-1)?.lastName ?? 0;
    return { address: parts.place(node.filled(NODE_BYTES).done()), lastName: name };
  });
}

const cut = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
