import { type FileBytes, NOWHERE } from './fileBytes.js';

/** Where an object of a heap lies. */
export interface Span {
  readonly at: number;
  readonly size: number;
}

/** Trees by what they list: the kind of their records, the size of one, and where in it the object's number stands. */
const TREES = { links: { type: 5, size: 11, id: 4 }, attributes: { type: 8, size: 17, id: 0 } } as const;

/**
 * Members or attributes of an object with more than eight, as HDF5 2 keeps them: a tree of records, each of which says
 * where in a heap of doubling blocks one lies (HDF5 file format 3.0, III.A.2 and III.G).
 */
export function objectsInHeap(file: FileBytes, what: keyof typeof TREES, heap: number, tree: number): Span[] {
  const find = heapAt(file, heap);
  const { type, size, id } = TREES[what];
  return recordsOf(file, tree, type, size).map((record) => find(record + id));
}

/** Turns an object's number, which is a flag, where in the heap it lies, and how long it is, into that place. */
function heapAt(file: FileBytes, heap: number): (id: number) => Span {
  file.enter(heap, 'FRHP');
  const idBytes = file.short(heap + 5);
  const filters = file.short(heap + 7);
  const width = file.short(heap + 110);
  const first = file.long(heap + 112);
  const largest = file.long(heap + 120);
  const offsetBytes = Math.ceil(file.short(heap + 128) / 8);
  const root = file.address(heap + 132);
  const rows = file.short(heap + 140);
  const lengthBytes = idBytes - 1 - offsetBytes;
  const powers = [first, largest].every((size) => size > 0 && Number.isInteger(Math.log2(size)));
  if (filters > 0 || !powers || width === 0 || offsetBytes > 6 || lengthBytes < 1 || lengthBytes > 6) {
    throw file.corrupt('members kept in a way that is not read');
  }
  const blockSize = (row: number) => (row === 0 ? first : first * 2 ** (row - 1));
  const directRows = Math.log2(largest) - Math.log2(first) + 2;
  /** Descends from a block of blocks, `rows` high, to the block in which `offset` of it lies. */
  const descend = (block: number, height: number, offset: number, depth: number): number => {
    if (block === NOWHERE || depth > 16 || file.text(block, 4) !== 'FHIB') {
      throw file.corrupt('a member that is not in its heap');
    }
    let start = 0;
    for (let row = 0; row < height; row++) {
      const size = blockSize(row);
      const column = Math.floor((offset - start) / size);
      if (column < width) {
        const child = file.address(block + 13 + offsetBytes + 8 * (row * width + column));
        const inside = offset - start - column * size;
        if (row < directRows) return checkedBlock(file, child) + inside;
        return descend(child, Math.log2(size / (first * width)) + 1, inside, depth + 1);
      }
      start += width * size;
    }
    throw file.corrupt('a member that is not in its heap');
  };
  return (id) => {
    if ((file.byte(id) & 0x30) !== 0) throw file.corrupt('a member that is larger than its heap takes');
    const offset = file.packed(id + 1, offsetBytes);
    const size = file.packed(id + 1 + offsetBytes, lengthBytes);
    file.spend('heaps', size);
    const at = rows === 0 ? checkedBlock(file, root) + offset : descend(root, rows, offset, 0);
    return { at, size };
  };
}

function checkedBlock(file: FileBytes, block: number): number {
  if (block === NOWHERE || file.text(block, 4) !== 'FHDB')
    throw file.corrupt('a member that is not in its heap');
  return block;
}

/** Where the records of a tree stand. */
function recordsOf(file: FileBytes, tree: number, type: number, size: number): number[] {
  file.enter(tree, 'BTHD');
  const nodeSize = file.int(tree + 6);
  if (file.byte(tree + 5) !== type || file.short(tree + 10) !== size)
    throw file.corrupt('a tree of another kind');
  const records: number[] = [];
  const bytesFor = (count: number) => Math.max(1, Math.ceil(Math.log2(count + 1) / 8));
  /** Records that a node of each height holds at most, and those below it: they set the width of what counts them. */
  const most = [Math.floor((nodeSize - 10) / size)];
  const below = [most[0]!];
  const pointer = (height: number) => 8 + bytesFor(most[0]!) + (height > 0 ? bytesFor(below[height]!) : 0);
  for (let height = 1; height <= file.short(tree + 12); height++) {
    if (height > 16) throw file.corrupt('a tree that is too high');
    const step = pointer(height - 1);
    most.push(Math.floor((nodeSize - 10 - step) / (size + step)));
    below.push((most[height]! + 1) * below[height - 1]! + most[height]!);
  }
  const walk = (node: number, count: number, height: number) => {
    file.enter(node, height > 0 ? 'BTIN' : 'BTLF');
    file.spend('headers', size * count);
    if (count > most[height]!) throw file.corrupt('a tree whose parts are larger than it');
    for (let i = 0; i < count; i++) records.push(node + 6 + size * i);
    for (let i = 0; height > 0 && i <= count; i++) {
      const at = node + 6 + size * count + pointer(height - 1) * i;
      walk(file.address(at), file.packed(at + 8, bytesFor(most[0]!)), height - 1);
    }
  };
  if (file.address(tree + 16) !== NOWHERE)
    walk(file.address(tree + 16), file.short(tree + 24), most.length - 1);
  return records;
}
