import { ByteWriter } from './byteWriter.js';
import type { FileAllocator } from './fileAllocator.js';

/** A member of a group: its name in UTF-8, and where its header stands. */
export interface GroupMember {
  readonly name: Uint8Array;
  readonly address: number;
}

/** A group's list of members, as every version of HDF5 reads it. */
export interface SymbolTable {
  readonly treeAddress: number;
  readonly heapAddress: number;
}

/** Half of the members that a list takes, and half of the lists or nodes that a node does: what HDF5 has by itself. */
export const LEAF_NODE_K = 4;
export const INTERNAL_NODE_K = 16;
const LEAF_NODE_BYTES = 8 + 40 * 2 * LEAF_NODE_K;
const TREE_NODE_BYTES = 24 + 8 * (2 * 2 * INTERNAL_NODE_K + 1);

/** A list of members, or a node of the tree: where it stands, and where in the heap the last name under it does. */
interface TreeChild {
  readonly address: number;
  readonly lastNameOffset: number;
}

/**
 * Places a group's list: a heap of names, lists of members in the order of their names' bytes, and a tree over them, of as many
 * levels as it takes (III.A.1 to III.D).
 */
export function writeSymbolTable(parts: FileAllocator, symbols: readonly GroupMember[]): SymbolTable {
  const names = new ByteWriter().uint64(0); // the empty name, which is less than all
  const starts = symbols.map(({ name }) => {
    const start = names.length;
    names.bytes(name).uint8(0).padTo();
    return start;
  });
  const heap = new ByteWriter().ascii('HEAP').uint32(0).uint64(names.length);
  heap.uint64(1); // nothing in it is free
  heap.uint64(parts.length + 32).bytes(names.toBytes());
  const table = { heapAddress: parts.allocate(heap.toBytes()), treeAddress: 0 };

  const entries = symbols.map(({ address }, i) => ({ address, lastNameOffset: starts[i]! }));
  let branches: TreeChild[] = splitIntoChunks(entries, 2 * LEAF_NODE_K).map((members) =>
    writeLeafNode(parts, members),
  );
  let level = 0;
  do {
    branches = writeTreeLevel(parts, branches, level++);
  } while (branches.length > 1);
  return { ...table, treeAddress: branches[0]!.address };
}

function writeLeafNode(parts: FileAllocator, members: readonly TreeChild[]): TreeChild {
  const list = new ByteWriter().ascii('SNOD').uint8(1, 0).uint16(members.length);
  for (const { address, lastNameOffset } of members)
    list.uint64(lastNameOffset).uint64(address).uint64(0).uint64(0).uint64(0);
  return {
    address: parts.allocate(list.padTo(LEAF_NODE_BYTES).toBytes()),
    lastNameOffset: members.at(-1)!.lastNameOffset,
  };
}

/** A level of the tree: nodes that know their neighbours, and between two branches the name up to which the first one goes. */
function writeTreeLevel(parts: FileAllocator, branches: readonly TreeChild[], level: number): TreeChild[] {
  const first = parts.length;
  const nodes = branches.length === 0 ? [[]] : splitIntoChunks(branches, 2 * INTERNAL_NODE_K);
  let name = 0;
  return nodes.map((inner, i) => {
    const node = new ByteWriter().ascii('TREE').uint8(0, level).uint16(inner.length);
    if (i > 0) node.uint64(first + (i - 1) * TREE_NODE_BYTES);
    else node.undefinedAddress();
    if (i < nodes.length - 1) node.uint64(first + (i + 1) * TREE_NODE_BYTES);
    else node.undefinedAddress();
    node.uint64(name);
    for (const { address, lastNameOffset } of inner) node.uint64(address).uint64(lastNameOffset);
    name = inner.at(-1)?.lastNameOffset ?? 0;
    return { address: parts.allocate(node.padTo(TREE_NODE_BYTES).toBytes()), lastNameOffset: name };
  });
}

const splitIntoChunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
