import { isMultitaskError } from '../../core/errors.js';
import type { Hdf5Array, Hdf5Group } from '../hdf5.js';
import { attributesOf } from './attributes.js';
import { arrayOf } from './data.js';
import { FileBytes } from './fileBytes.js';
import { isGroup, linksOf } from './links.js';
import { type Message, messagesOf } from './messages.js';

/** Nested models are groups within groups. */
const DEEPEST = 64;
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Reads a whole HDF5 file into memory: Keras's `.h5` and `.weights.h5`.
 *
 * It reads the format as h5py writes it by default, and no more (HDF5 file format 3.0): not by the C library, since that
 * goes in circles for ever on one of some hundred files with a few bytes changed, and neither a page nor Node can stop it.
 * The file is not trusted: whatever it claims is held against its bytes before anything is allocated, nothing in it is
 * read twice, and links by name, to other files and in loops are refused.
 *
 * @param path - The file, for errors.
 * @throws `file` fault for a file that is cut short, changed, or of another format.
 */
export function readHdf5(bytes: Uint8Array, path: string): Hdf5Group {
  const file = new FileBytes(bytes, path);
  try {
    if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw file.corrupt('a file of another format');
    return groupOf(file, messagesOf(file, rootOf(file)), '', 0);
  } catch (error) {
    if (isMultitaskError(error)) throw error;
    if (!(error instanceof RangeError)) throw error;
    throw file.corrupt('a file cut short, or an address outside it,', error); // a number that is not there to be read
  }
}

/** Where the root's header stands (II.A). */
function rootOf(file: FileBytes): number {
  const version = file.byte(8);
  const old = version < 2;
  const sizes = old ? [file.byte(13), file.byte(14)] : [file.byte(9), file.byte(10)];
  if (version > 3 || sizes.some((size) => size !== 8)) throw file.corrupt(`HDF5 of version ${version}`);
  const base = version === 1 ? 28 : old ? 24 : 12;
  if (file.address(base) !== 0) throw file.corrupt('HDF5 inside of something else');
  if (file.long(base + 16) > file.length) throw file.corrupt(`a file cut short at ${file.length} bytes`);
  return file.address(old ? base + 40 : base + 24);
}

function groupOf(file: FileBytes, messages: readonly Message[], place: string, depth: number): Hdf5Group {
  file.place = place || '/';
  if (depth > DEEPEST) throw file.corrupt(`groups more than ${DEEPEST} deep`);
  if (!isGroup(messages)) throw file.corrupt('no group');
  const attributes = attributesOf(file, messages);
  const groups: [string, Hdf5Group][] = [];
  const arrays: [string, Hdf5Array][] = [];
  const names = new Set<string>();
  for (const { name, address } of linksOf(file, messages)) {
    file.place = `${place}/${name}`;
    if (name === '' || name === '.' || name === '..' || name.includes('/'))
      throw file.corrupt('a name that leads elsewhere');
    if (names.has(name)) throw file.corrupt('two members of one name');
    names.add(name);
    const inner = messagesOf(file, address);
    if (isGroup(inner)) groups.push([name, groupOf(file, inner, `${place}/${name}`, depth + 1)]);
    else arrays.push([name, arrayOf(file, inner)]);
  }
  return { attributes, groups: Object.fromEntries(groups), arrays: Object.fromEntries(arrays) };
}
