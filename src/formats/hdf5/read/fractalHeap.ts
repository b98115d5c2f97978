import { type ByteReader, UNDEFINED_ADDRESS } from './byteReader.js';

/** Where an object of a heap lies. */
export interface Span {
  readonly offset: number;
  readonly size: number;
}

/** Trees by what they list: the kind of their records, the size of one, and where in it the object's number stands. */
const TREE_RECORDS = {
  links: { type: 5, size: 11, id: 4 },
  attributes: { type: 8, size: 17, id: 0 },
} as const;

/**
 * Members or attributes of an object with more than eight, as HDF5 2 keeps them: a tree of records, each of which says
 * where in a heap of doubling blocks one lies (HDF5 file format 3.0, III.A.2 and III.G).
 */
export function readHeapObjects(
  file: ByteReader,
  what: keyof typeof TREE_RECORDS,
  heap: number,
  tree: number,
): Span[] {
  const find = openFractalHeap(file, heap);
  const { type, size, id } = TREE_RECORDS[what];
  return readTreeRecords(file, tree, type, size).map((record) => find(record + id));
}

/** Turns an object's number, which is a flag, where in the heap it lies, and how long it is, into that place. */
function openFractalHeap(file: ByteReader, heap: number): (id: number) => Span {
  file.visit(heap, 'FRHP');
  const idBytes = file.uint16(heap + 5);
  const filters = file.uint16(heap + 7);
  const width = file.uint16(heap + 110);
  const first = file.uint64(heap + 112);
  const largest = file.uint64(heap + 120);
  const offsetBytes = Math.ceil(file.uint16(heap + 128) / 8);
  const root = file.address(heap + 132);
  const rows = file.uint16(heap + 140);
  const lengthBytes = idBytes - 1 - offsetBytes;
  const powers = [first, largest].every((size) => size > 0 && Number.isInteger(Math.log2(size)));
  if (filters > 0 || !powers || width === 0 || offsetBytes > 6 || lengthBytes < 1 || lengthBytes > 6) {
    throw file.createCorruptFileError('members kept in a way that is not read');
  }
  const blockSize = (row: number) => (row === 0 ? first : first * 2 ** (row - 1));
  const directRows = Math.log2(largest) - Math.log2(first) + 2;
  /** Descends from a block of blocks, `rows` high, to the block in which `offset` of it lies. */
  const descend = (block: number, height: number, offset: number, depth: number): number => {
    if (block === UNDEFINED_ADDRESS || depth > 16 || file.text(block, 4) !== 'FHIB') {
      throw file.createCorruptFileError('a member that is not in its heap');
    }
    let start = 0;
    for (let row = 0; row < height; row++) {
      const size = blockSize(row);
      const column = Math.floor((offset - start) / size);
      if (column < width) {
        const child = file.address(block + 13 + offsetBytes + 8 * (row * width + column));
        const inside = offset - start - column * size;
        if (row < directRows) return checkDirectBlock(file, child) + inside;
        return descend(child, Math.log2(size / (first * width)) + 1, inside, depth + 1);
      }
      start += width * size;
    }
    throw file.createCorruptFileError('a member that is not in its heap');
  };
  return (id) => {
    if ((file.uint8(id) & 0x30) !== 0)
      throw file.createCorruptFileError('a member that is larger than its heap takes');
    const offset = file.uintOfSize(id + 1, offsetBytes);
    const size = file.uintOfSize(id + 1 + offsetBytes, lengthBytes);
    file.spend('heaps', size);
    const at = rows === 0 ? checkDirectBlock(file, root) + offset : descend(root, rows, offset, 0);
    return { offset: at, size };
  };
}

function checkDirectBlock(file: ByteReader, block: number): number {
  if (block === UNDEFINED_ADDRESS || file.text(block, 4) !== 'FHDB')
    throw file.createCorruptFileError('a member that is not in its heap');
  return block;
}

/** Where the records of a tree stand. */
function readTreeRecords(file: ByteReader, tree: number, type: number, size: number): number[] {
  file.visit(tree, 'BTHD');
  const nodeSize = file.uint32(tree + 6);
  if (file.uint8(tree + 5) !== type || file.uint16(tree + 10) !== size)
    throw file.createCorruptFileError('a tree of another kind');
  const records: number[] = [];
  const bytesFor = (count: number) => Math.max(1, Math.ceil(Math.log2(count + 1) / 8));
  /** Records that a node of each height holds at most, and those below it: they set the width of what counts them. */
  const most = [Math.floor((nodeSize - 10) / size)];
  const below = [most[0]!];
  const pointer = (height: number) => 8 + bytesFor(most[0]!) + (height > 0 ? bytesFor(below[height]!) : 0);
  for (let height = 1; height <= file.uint16(tree + 12); height++) {
    if (height > 16) throw file.createCorruptFileError('a tree that is too high');
    const step = pointer(height - 1);
    most.push(Math.floor((nodeSize - 10 - step) / (size + step)));
    below.push((most[height]! + 1) * below[height - 1]! + most[height]!);
  }
  const walk = (node: number, count: number, height: number) => {
    file.visit(node, height > 0 ? 'BTIN' : 'BTLF');
    file.spend('headers', size * count);
    if (count > most[height]!) throw file.createCorruptFileError('a tree whose parts are larger than it');
    for (let i = 0; i < count; i++) records.push(node + 6 + size * i);
    for (let i = 0; height > 0 && i <= count; i++) {
      const at = node + 6 + size * count + pointer(height - 1) * i;
      walk(file.address(at), file.uintOfSize(at + 8, bytesFor(most[0]!)), height - 1);
    }
  };
  if (file.address(tree + 16) !== UNDEFINED_ADDRESS)
    walk(file.address(tree + 16), file.uint16(tree + 24), most.length - 1);
  return records;
}
