import { type ByteReader, UNDEFINED_ADDRESS } from './byteReader.js';

/** Byte offset and size of an object in the file. */
export interface Span {
  readonly offset: number;
  readonly size: number;
}

/**
 * Record layouts of version 2 B-trees, keyed by the kind of object that the tree lists. Each layout consists of the type number of the
 * records, the size of a record in bytes, and the offset of the heap ID within a record.
 */
const TREE_RECORDS = {
  links: { type: 5, size: 11, id: 4 },
  attributes: { type: 8, size: 17, id: 0 },
} as const;

/**
 * Finds the links or attributes of an object that has more than eight links or attributes. HDF5 2 stores these links or attributes in a
 * fractal heap, whose block size doubles from row to row, and lists them in a B-tree (HDF5 file format 3.0, sections III.A.2 and III.G).
 */
export function readHeapObjects(
  file: ByteReader,
  listed: keyof typeof TREE_RECORDS,
  heap: number,
  tree: number,
): Span[] {
  const resolveHeapId = openFractalHeap(file, heap);
  const { type, size, id } = TREE_RECORDS[listed];
  return readTreeRecords(file, tree, type, size).map((record) => resolveHeapId(record + id));
}

/**
 * Opens a fractal heap. Returns a function that resolves a heap ID (flags, offset in the heap, length) to a
 * position in the file.
 */
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
  const arePowersOfTwo = [first, largest].every((size) => size > 0 && Number.isInteger(Math.log2(size)));
  if (
    filters > 0 ||
    !arePowersOfTwo ||
    width === 0 ||
    offsetBytes > 6 ||
    lengthBytes < 1 ||
    lengthBytes > 6
  ) {
    throw file.createCorruptFileError('links or attributes in a fractal heap with an unsupported layout');
  }
  const blockSize = (row: number) => (row === 0 ? first : first * 2 ** (row - 1));
  const directRows = Math.log2(largest) - Math.log2(first) + 2;
  /**
   * Converts an offset in the heap to an offset in the file, by following the indirect blocks to a direct block. The first indirect block
   * has `height` rows.
   */
  const descend = (block: number, height: number, offset: number, depth: number): number => {
    if (block === UNDEFINED_ADDRESS || depth > 16 || file.text(block, 4) !== 'FHIB') {
      throw file.createCorruptFileError('a link or an attribute outside its fractal heap');
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
    throw file.createCorruptFileError('a link or an attribute outside its fractal heap');
  };
  return (id) => {
    if ((file.uint8(id) & 0x30) !== 0)
      throw file.createCorruptFileError('a link or an attribute that is too large for its fractal heap');
    const offset = file.uintOfSize(id + 1, offsetBytes);
    const size = file.uintOfSize(id + 1 + offsetBytes, lengthBytes);
    file.spend('heaps', size);
    const at = rows === 0 ? checkDirectBlock(file, root) + offset : descend(root, rows, offset, 0);
    return { offset: at, size };
  };
}

function checkDirectBlock(file: ByteReader, block: number): number {
  if (block === UNDEFINED_ADDRESS || file.text(block, 4) !== 'FHDB')
    throw file.createCorruptFileError('a link or an attribute outside its fractal heap');
  return block;
}

/** Returns the file offsets of all records in a version 2 B-tree. */
function readTreeRecords(file: ByteReader, tree: number, type: number, size: number): number[] {
  file.visit(tree, 'BTHD');
  const nodeSize = file.uint32(tree + 6);
  if (file.uint8(tree + 5) !== type || file.uint16(tree + 10) !== size)
    throw file.createCorruptFileError('a B-tree of an unexpected type');
  const records: number[] = [];
  const bytesFor = (count: number) => Math.max(1, Math.ceil(Math.log2(count + 1) / 8));
  /**
   * Maximum numbers of records in one node and in its whole subtree, indexed by the height of the node. These maximums determine in how
   * many bytes a record count is stored.
   */
  const maxRecords = [Math.floor((nodeSize - 10) / size)];
  const maxRecordsBelow = [maxRecords[0]!];
  const pointer = (height: number) =>
    8 + bytesFor(maxRecords[0]!) + (height > 0 ? bytesFor(maxRecordsBelow[height]!) : 0);
  for (let height = 1; height <= file.uint16(tree + 12); height++) {
    if (height > 16) throw file.createCorruptFileError('a B-tree with too many levels');
    const step = pointer(height - 1);
    maxRecords.push(Math.floor((nodeSize - 10 - step) / (size + step)));
    maxRecordsBelow.push((maxRecords[height]! + 1) * maxRecordsBelow[height - 1]! + maxRecords[height]!);
  }
  const walk = (node: number, count: number, height: number) => {
    file.visit(node, height > 0 ? 'BTIN' : 'BTLF');
    file.spend('headers', size * count);
    if (count > maxRecords[height]!)
      throw file.createCorruptFileError('a B-tree node with more records than it can hold');
    for (let i = 0; i < count; i++) records.push(node + 6 + size * i);
    for (let i = 0; height > 0 && i <= count; i++) {
      const at = node + 6 + size * count + pointer(height - 1) * i;
      walk(file.address(at), file.uintOfSize(at + 8, bytesFor(maxRecords[0]!)), height - 1);
    }
  };
  if (file.address(tree + 16) !== UNDEFINED_ADDRESS)
    walk(file.address(tree + 16), file.uint16(tree + 24), maxRecords.length - 1);
  return records;
}
