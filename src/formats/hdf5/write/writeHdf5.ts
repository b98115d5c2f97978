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

/** Size in bytes of the superblock, which contains the file signature and the address of the root group. */
const SUPERBLOCK_BYTES = 96;

/**
 * Writes an HDF5 file in the layout of Keras and h5py. No timestamps are stored, so the same groups result in the same bytes.
 *
 * The file uses the original layout of the format (HDF5 file format 3.0; each function cites its section), which is also h5py's default.
 * All versions of the C library, old versions of Keras and other readers can read it.
 *
 * A list of strings is written as variable-length text, as in Keras. If the list would take more than 64,512 bytes when all strings are
 * padded to the length of the longest one, it is split into the attributes `name0`, `name1` and so on, which contain fixed-length text. An
 * empty list is written as an empty list of floats.
 *
 * @throws A `file` error for:
 * - a name that HDF5 does not allow
 * - two groups or datasets with the same name
 * - a numeric attribute larger than 64 kB
 * - a dataset whose number of elements does not match its shape
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
  // The zeros are version numbers. The two eights are the sizes in bytes of addresses and lengths.
  const fields = new ByteWriter().uint8(0x89).ascii('HDF\r\n\x1a\n').uint8(0, 0, 0, 0, 0, 8, 8, 0);
  fields.uint16(LEAF_NODE_K).uint16(INTERNAL_NODE_K).uint32(0);
  // The base address is 0; there is no free-space list and no driver information.
  fields.uint64(0).undefinedAddress().uint64(length).undefinedAddress();
  return fields
    .uint64(0)
    .uint64(root.headerAddress)
    .uint32(1)
    .uint32(0)
    .uint64(root.treeAddress)
    .uint64(root.heapAddress)
    .toBytes();
}

function writeGroup(context: WriteContext, group: Hdf5Group, groupPath: string): WrittenGroup {
  const members = [
    ...Object.entries(group.groups).map(([name, inner]) => ({
      name,
      placed: (at: string) => writeGroup(context, inner, at).headerAddress,
    })),
    ...Object.entries(group.arrays).map(([name, array]) => ({
      name,
      placed: (at: string) => writeDataset(context, array, at),
    })),
  ];
  const memberNames = new Set<string>();
  const symbols = members.map(({ name, placed }) => {
    if (/^(|\.|\.\.)$|[/\0]/.test(name))
      throw createWriteError(
        groupPath,
        `a group or dataset with the invalid name ${JSON.stringify(name)}`,
        NAME_ADVICE,
      );
    if (memberNames.has(name))
      throw createWriteError(
        groupPath,
        `a group and a dataset named "${name}"`,
        'Rename the group or the dataset.',
      );
    memberNames.add(name);
    return { name: new TextEncoder().encode(name), address: placed(`${groupPath}/${name}`) };
  });
  const table = writeSymbolTable(context.allocator, symbols.sort(compareNames));
  const messages = [
    createSymbolTableMessage(table.treeAddress, table.heapAddress),
    ...createAttributeMessages(context.heap, groupPath, group.attributes),
  ];
  if (messages.length > MAX_MESSAGES)
    throw createWriteError(
      groupPath,
      `a group with ${messages.length - 1} attributes, which is too many`,
      'Move some of the attributes to another group.',
    );
  return { ...table, headerAddress: writeHeader(context.allocator, messages) };
}

function writeDataset(
  { allocator }: WriteContext,
  { shape, data }: Hdf5Dataset,
  datasetPath: string,
): number {
  const bytes = viewBytes(data);
  const count = countElements(shape);
  if (count !== data.length)
    throw createWriteError(
      datasetPath,
      `${data.length} numbers for the shape ${formatShape(shape)}`,
      'Pass the number of elements that the shape requires.',
    );
  const at = bytes.length > 0 ? allocator.allocate(bytes) : undefined;
  return writeHeader(allocator, createDatasetMessages(encodeNumberType(data), shape, at, bytes.length));
}

/** Compares names by their UTF-8 bytes, as HDF5's C library does. JavaScript would compare UTF-16 code units. */
function compareNames(
  { name: a }: { readonly name: Uint8Array },
  { name: b }: { readonly name: Uint8Array },
): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
