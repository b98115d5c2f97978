import { ByteWriter } from './byteWriter.js';
import type { FileAllocator } from './fileAllocator.js';

/** Member of a group: its name in UTF-8, and the address of its object header. */
export interface GroupMember {
  readonly name: Uint8Array;
  readonly address: number;
}

/** Addresses of a group's symbol table, which lists the members of the group. Every version of HDF5 can read this layout. */
export interface SymbolTable {
  readonly treeAddress: number;
  readonly heapAddress: number;
}

/** Half the capacity of a symbol node, which is a leaf of the B-tree. The value is HDF5's default. */
export const LEAF_NODE_K = 4;
/** Half the capacity of an internal node of the B-tree. The value is HDF5's default. */
export const INTERNAL_NODE_K = 16;
const LEAF_NODE_BYTES = 8 + 40 * 2 * LEAF_NODE_K;
const TREE_NODE_BYTES = 24 + 8 * (2 * 2 * INTERNAL_NODE_K + 1);

/** Child of a node in the symbol table: the address of the child, and the offset of its last name in the name heap. */
interface TreeChild {
  readonly address: number;
  readonly lastNameOffset: number;
}

/**
 * Writes a group's symbol table: a heap of names, symbol nodes that are sorted by the bytes of the names, and a B-tree over these nodes
 * (HDF5 file format 3.0, sections III.A.1 to III.D).
 */
export function writeSymbolTable(parts: FileAllocator, symbols: readonly GroupMember[]): SymbolTable {
  const nameBytes = new ByteWriter().uint64(0); // The empty name sorts before all other names.
  const starts = symbols.map(({ name }) => {
    const start = nameBytes.length;
    nameBytes.bytes(name).uint8(0).padTo();
    return start;
  });
  const heap = new ByteWriter().ascii('HEAP').uint32(0).uint64(nameBytes.length);
  heap.uint64(1); // The heap has no free space.
  heap.uint64(parts.length + 32).bytes(nameBytes.toBytes());
  const table = { heapAddress: parts.allocate(heap.toBytes()), treeAddress: 0 };

  const entries = symbols.map(({ address }, i) => ({ address, lastNameOffset: starts[i]! }));
  let children: TreeChild[] = splitIntoChunks(entries, 2 * LEAF_NODE_K).map((members) =>
    writeLeafNode(parts, members),
  );
  let level = 0;
  do {
    children = writeTreeLevel(parts, children, level++);
  } while (children.length > 1);
  return { ...table, treeAddress: children[0]!.address };
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

/**
 * Writes one level of the B-tree. Each node points to its left and right siblings. The key between two children is the last name of the
 * first child.
 */
function writeTreeLevel(parts: FileAllocator, children: readonly TreeChild[], level: number): TreeChild[] {
  const first = parts.length;
  const nodes = children.length === 0 ? [[]] : splitIntoChunks(children, 2 * INTERNAL_NODE_K);
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
