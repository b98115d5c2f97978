import type { Hdf5Array, Hdf5Group } from '../hdf5.js';
import { bytesOf, Fields } from './fields.js';
import { Parts } from './parts.js';
import { attributeMessages } from './writeAttributes.js';
import { datasetMessages, header, MOST_MESSAGES, numberType, symbolsMessage } from './writeMessages.js';
import { NAMES, refused } from './writeRefused.js';
import { HALF_LIST, HALF_NODE, type SymbolTable, symbolTable } from './writeSymbols.js';
import { TextHeap } from './writeTexts.js';

/** What stands in front: what the file is, and where its root group is. */
const SUPERBLOCK = 96;

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
  const parts = new Parts(SUPERBLOCK);
  const written = placeGroup({ parts, heap: new TextHeap(parts) }, root, '');
  return parts.joined(superblock(written, parts.length));
}

interface Placing {
  readonly parts: Parts;
  readonly heap: TextHeap;
}

interface PlacedGroup extends SymbolTable {
  readonly header: number;
}

function superblock(root: PlacedGroup, length: number): Uint8Array {
  const fields = new Fields().byte(0x89).ascii('HDF\r\n\x1a\n').byte(0, 0, 0, 0, 0, 8, 8, 0); // versions; bytes of addresses, sizes
  fields.short(HALF_LIST).short(HALF_NODE).int(0);
  fields.long(0).nowhere().long(length).nowhere(); // nothing in front of it, no list of what is free, no driver
  return fields.long(0).long(root.header).int(1).int(0).long(root.tree).long(root.heap).done();
}

function placeGroup(placing: Placing, group: Hdf5Group, place: string): PlacedGroup {
  const placers = [
    ...Object.entries(group.groups).map(([name, inner]) => ({
      name,
      placed: (at: string) => placeGroup(placing, inner, at).header,
    })),
    ...Object.entries(group.arrays).map(([name, array]) => ({
      name,
      placed: (at: string) => placeArray(placing, array, at),
    })),
  ];
  const names = new Set<string>();
  const symbols = placers.map(({ name, placed }) => {
    if (/^(|\.|\.\.)$|[/\0]/.test(name))
      throw refused(place, `a member named ${JSON.stringify(name)}`, NAMES);
    if (names.has(name))
      throw refused(place, `two members named "${name}"`, 'Rename the group or the dataset.');
    names.add(name);
    return { name: new TextEncoder().encode(name), address: placed(`${place}/${name}`) };
  });
  const table = symbolTable(placing.parts, symbols.sort(byBytes));
  const messages = [
    symbolsMessage(table.tree, table.heap),
    ...attributeMessages(placing.heap, place, group.attributes),
  ];
  if (messages.length > MOST_MESSAGES)
    throw refused(place, `${messages.length - 1} attributes`, 'Put some into groups of their own.');
  return { ...table, header: header(placing.parts, messages) };
}

function placeArray({ parts }: Placing, { shape, data }: Hdf5Array, place: string): number {
  const bytes = bytesOf(data);
  const count = shape.reduce((product, side) => product * side, 1);
  if (count !== data.length)
    throw refused(
      place,
      `${data.length} numbers of shape [${shape.join(', ')}]`,
      'Give as many as the shape has.',
    );
  const at = bytes.length > 0 ? parts.place(bytes) : undefined;
  return header(parts, datasetMessages(numberType(data), shape, at, bytes.length));
}

/** As C compares names: not by the halves of UTF-16, by which JavaScript does. */
function byBytes(
  { name: a }: { readonly name: Uint8Array },
  { name: b }: { readonly name: Uint8Array },
): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
