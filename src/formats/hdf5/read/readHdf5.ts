import { isMultitaskError } from '../../../core/errors/errors.js';
import type { Hdf5Dataset, Hdf5Group } from '../hdf5Group.js';
import { ByteReader } from './byteReader.js';
import { isGroup, readLinks } from './links.js';
import { type HeaderMessage, readMessages } from './objectHeader.js';
import { readAttributes } from './readAttributes.js';
import { readDataset } from './readDataset.js';

/** Maximum nesting depth of groups. A model that is nested in another model is stored as a group within a group. */
const MAX_DEPTH = 64;
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Reads a whole HDF5 file into memory, for example Keras's `.h5` and `.weights.h5` files.
 *
 * Only the subset of the format that h5py writes by default is supported (HDF5 file format 3.0). The C library of HDF5 is not used, because
 * roughly one in several hundred corrupted files makes it loop forever, and neither a page nor Node can interrupt such a loop.
 *
 * The file is not trusted. Sizes are checked against the size of the file before any memory is allocated, no byte range is read twice, and
 * soft links, links to other files and loops are rejected.
 *
 * @param path - Path of the file, for errors.
 * @throws A `file` error if the file is truncated, corrupted or in another format.
 */
export function readHdf5(bytes: Uint8Array, path: string): Hdf5Group {
  const file = new ByteReader(bytes, path);
  try {
    if (!SIGNATURE.every((byte, i) => bytes[i] === byte))
      throw file.createCorruptFileError('a file in a different format');
    return readGroup(file, readMessages(file, findRootHeader(file)), '', 0);
  } catch (error) {
    if (isMultitaskError(error)) throw error;
    if (!(error instanceof RangeError)) throw error;
    // DataView throws a RangeError for an offset outside the file.
    throw file.createCorruptFileError('a truncated file, or an address outside the file,', error);
  }
}

/** Returns the address of the root group's object header (HDF5 file format 3.0, section II.A). */
function findRootHeader(file: ByteReader): number {
  const version = file.uint8(8);
  const old = version < 2;
  const sizes = old ? [file.uint8(13), file.uint8(14)] : [file.uint8(9), file.uint8(10)];
  if (version > 3 || sizes.some((size) => size !== 8))
    throw file.createCorruptFileError(`a superblock with the unsupported version ${version}`);
  const base = version === 1 ? 28 : old ? 24 : 12;
  if (file.address(base) !== 0)
    throw file.createCorruptFileError('HDF5 data that does not start at the beginning of the file');
  if (file.uint64(base + 16) > file.length)
    throw file.createCorruptFileError(`a file truncated at ${file.length} bytes`);
  return file.address(old ? base + 40 : base + 24);
}

function readGroup(
  file: ByteReader,
  messages: readonly HeaderMessage[],
  groupPath: string,
  depth: number,
): Hdf5Group {
  file.objectPath = groupPath || '/';
  if (depth > MAX_DEPTH)
    throw file.createCorruptFileError(`groups nested more than ${MAX_DEPTH} levels deep`);
  if (!isGroup(messages)) throw file.createCorruptFileError('an object that is not a group');
  const attributes = readAttributes(file, messages);
  const groups: [string, Hdf5Group][] = [];
  const arrays: [string, Hdf5Dataset][] = [];
  const memberNames = new Set<string>();
  for (const { name, address } of readLinks(file, messages)) {
    file.objectPath = `${groupPath}/${name}`;
    if (name === '' || name === '.' || name === '..' || name.includes('/'))
      throw file.createCorruptFileError('a group or dataset with an invalid name');
    if (memberNames.has(name)) throw file.createCorruptFileError('two groups or datasets with the same name');
    memberNames.add(name);
    const inner = readMessages(file, address);
    if (isGroup(inner)) groups.push([name, readGroup(file, inner, `${groupPath}/${name}`, depth + 1)]);
    else arrays.push([name, readDataset(file, inner)]);
  }
  return { attributes, groups: Object.fromEntries(groups), arrays: Object.fromEntries(arrays) };
}
