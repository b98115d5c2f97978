import { countElements, formatShape, viewBytes } from '../../../core/arrays.js';
import type { Hdf5Dataset, Hdf5Group } from '../hdf5Group.js';
import { createAttributeMessages } from './attributeMessages.js';
import { ByteWriter } from './byteWriter.js';
import { FileAllocator } from './fileAllocator.js';
import {
  createDatasetMessages,
  createSymbolTableMessage,
  encodeNumberType,
  MAX_MESSAGES,
  writeHeader,
} from './headerMessages.js';
import { INTERNAL_NODE_K, LEAF_NODE_K, type SymbolTable, writeSymbolTable } from './symbolTable.js';
import { TextHeap } from './textHeap.js';
import { createWriteError, NAME_ADVICE } from './writeError.js';

/** What stands in front: what the file is, and where its root group is. */
const SUPERBLOCK_BYTES = 96;

/**
 * An HDF5 file as Keras and h5py write and read it. The same groups give the same bytes: no time is kept in it.
 *
 * It is in the format's first layout (HDF5 file format 3.0, with the places cited where they are written), which h5py takes by
 * itself too: every version of the C library reads it, and so do old Keras's and other readers.
 *
 * A list of texts is written as Keras's own writer does: as texts of any length; from 64,512 bytes on, counted at the
 * length of its longest, cut into `name0`, `name1` and so on, of fixed length. An empty list is an empty one of floats.
 *
 * @throws `file` fault for a name that HDF5 cannot have, two members of one name, an attribute of numbers above 64 kB, or a
 *   dataset that has not as many numbers as its shape.
 */
export function writeHdf5(root: Hdf5Group): Uint8Array {
  const allocator = new FileAllocator(SUPERBLOCK_BYTES);
  const written = writeGroup({ allocator, heap: new TextHeap(allocator) }, root, '');
  return allocator.toBytes(createSuperblock(written, allocator.length));
}

interface WriteContext {
  readonly allocator: FileAllocator;
  readonly heap: TextHeap;
}

interface WrittenGroup extends SymbolTable {
  readonly headerAddress: number;
}

function createSuperblock(root: WrittenGroup, length: number): Uint8Array {
  const fields = new ByteWriter().uint8(0x89).ascii('HDF\r\n\x1a\n').uint8(0, 0, 0, 0, 0, 8, 8, 0); // versions; bytes of addresses, sizes
  fields.uint16(LEAF_NODE_K).uint16(INTERNAL_NODE_K).uint32(0);
  fields.uint64(0).undefinedAddress().uint64(length).undefinedAddress(); // nothing in front of it, no list of what is free, no driver
  return fields
    .uint64(0)
    .uint64(root.headerAddress)
    .uint32(1)
    .uint32(0)
    .uint64(root.treeAddress)
    .uint64(root.heapAddress)
    .toBytes();
}

function writeGroup(placing: WriteContext, group: Hdf5Group, place: string): WrittenGroup {
  const placers = [
    ...Object.entries(group.groups).map(([name, inner]) => ({
      name,
      placed: (at: string) => writeGroup(placing, inner, at).headerAddress,
    })),
    ...Object.entries(group.arrays).map(([name, array]) => ({
      name,
      placed: (at: string) => writeDataset(placing, array, at),
    })),
  ];
  const names = new Set<string>();
  const symbols = placers.map(({ name, placed }) => {
    if (/^(|\.|\.\.)$|[/\0]/.test(name))
      throw createWriteError(place, `a member named ${JSON.stringify(name)}`, NAME_ADVICE);
    if (names.has(name))
      throw createWriteError(place, `two members named "${name}"`, 'Rename the group or the dataset.');
    names.add(name);
    return { name: new TextEncoder().encode(name), address: placed(`${place}/${name}`) };
  });
  const table = writeSymbolTable(placing.allocator, symbols.sort(compareNames));
  const messages = [
    createSymbolTableMessage(table.treeAddress, table.heapAddress),
    ...createAttributeMessages(placing.heap, place, group.attributes),
  ];
  if (messages.length > MAX_MESSAGES)
    throw createWriteError(place, `${messages.length - 1} attributes`, 'Put some into groups of their own.');
  return { ...table, headerAddress: writeHeader(placing.allocator, messages) };
}

function writeDataset({ allocator }: WriteContext, { shape, data }: Hdf5Dataset, place: string): number {
  const bytes = viewBytes(data);
  const count = countElements(shape);
  if (count !== data.length)
    throw createWriteError(
      place,
      `${data.length} numbers of shape ${formatShape(shape)}`,
      'Give as many as the shape has.',
    );
  const at = bytes.length > 0 ? allocator.allocate(bytes) : undefined;
  return writeHeader(allocator, createDatasetMessages(encodeNumberType(data), shape, at, bytes.length));
}

/** As C compares names: not by the halves of UTF-16, by which JavaScript does. */
function compareNames(
  { name: a }: { readonly name: Uint8Array },
  { name: b }: { readonly name: Uint8Array },
): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
