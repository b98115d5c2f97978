import { fault } from '../../core/errors.js';
import type { PackageLoader } from '../../core/outside.js';
import type { Hdf5Array, Hdf5Group, Hdf5Value } from '../hdf5.js';
import {
  FILE,
  type Form,
  type Hdf5Module,
  listening,
  loadHdf5,
  removeFile,
  TYPE,
  withMemory,
} from './module.js';

/** An object's header takes 64 kB; Keras cuts its lists of names below that (HDF5_OBJECT_HEADER_LIMIT). */
const LONGEST_LIST = 64_512;
/** Bytes that an entry of a list of texts takes in the header: its length and where it stands. */
const REFERENCE = 16;

/**
 * An HDF5 file as Keras and h5py write and read it. The same groups give the same bytes: no time is kept in it.
 *
 * A list of texts is written as Keras's own writer does: as texts of any length; from 64,512 bytes on, counted at the
 * length of its longest, cut into `name0`, `name1` and so on, of fixed length. An empty list is an empty one of floats.
 *
 * @param load - Brings h5wasm.
 * @throws `missing-package` fault without h5wasm.
 */
export async function writeHdf5(root: Hdf5Group, load: PackageLoader): Promise<Uint8Array> {
  const module = await loadHdf5(load);
  return listening(module, (complaint) =>
    atNoTime(() => {
      let file = -1n;
      try {
        // The oldest layout, as h5py: every reader knows it, and so do old Keras's.
        file = module.open(
          FILE,
          module.H5F_ACC_TRUNC,
          false,
          module.H5F_LIBVER_EARLIEST,
          module.H5F_LIBVER_V18,
        );
        writeGroup(module, file, '', root);
        module.close_file(file);
        file = -1n;
        const said = complaint();
        if (said === undefined) return module.FS.readFile(FILE);
        throw fault({
          kind: 'file',
          path: 'HDF5',
          expected: 'groups, attributes and datasets that a file can hold',
          received: `some that it cannot (${said})`,
          advice: 'Check that names are not empty and have no "/" in them.',
        });
      } finally {
        if (file >= 0n) module.close_file(file);
        removeFile(module);
      }
    }),
  );
}

/** HDF5 notes when a dataset was made, and h5wasm cannot tell it not to: its clock stands still meanwhile. */
function atNoTime<T>(work: () => T): T {
  const now = Date.now;
  Date.now = () => 0;
  try {
    return work();
  } finally {
    Date.now = now;
  }
}

function writeGroup(module: Hdf5Module, file: bigint, place: string, group: Hdf5Group): void {
  for (const [name, value] of Object.entries(group.attributes)) {
    writeAttribute(module, file, place || '/', name, value);
  }
  for (const [name, array] of Object.entries(group.arrays)) {
    writeArray(module, file, `${place}/${name}`, array);
  }
  for (const [name, inner] of Object.entries(group.groups)) {
    module.create_group(file, `${place}/${name}`, false);
    writeGroup(module, file, `${place}/${name}`, inner);
  }
}

const form = (type: number, size: number, shape: readonly number[], more: Partial<Form> = {}): Form => ({
  type,
  size,
  signed: true,
  vlen: false,
  littleEndian: true,
  shape: shape.map(BigInt),
  maxshape: shape.map(BigInt),
  chunks: null,
  total_size: shape.reduce((product, side) => product * side, 1),
  ...more,
});

/** Runs `work` with `bytes` in the C library's memory. */
function handing(module: Hdf5Module, bytes: Uint8Array, work: (pointer: bigint) => number): void {
  withMemory(module, bytes.length, (pointer) => {
    module.HEAPU8.set(bytes, pointer);
    work(BigInt(pointer));
  });
}

function writeAttribute(
  module: Hdf5Module,
  file: bigint,
  place: string,
  name: string,
  value: Hdf5Value,
): void {
  const values: readonly (string | number)[] = Array.isArray(value) ? value : [value as string | number];
  const shape = Array.isArray(value) ? [values.length] : [];
  if (values.length > 0 && values.every((entry) => typeof entry === 'string')) {
    writeTexts(module, file, place, name, values, shape);
    return;
  }
  const whole = values.length > 0 && values.every((entry) => Number.isSafeInteger(entry));
  const numbers = whole
    ? BigInt64Array.from(values, (entry) => BigInt(entry))
    : Float64Array.from(values as readonly number[]);
  handing(module, bytesOf(numbers), (pointer) =>
    module.create_attribute(file, place, name, pointer, form(whole ? TYPE.integer : TYPE.float, 8, shape)),
  );
}

function writeTexts(
  module: Hdf5Module,
  file: bigint,
  place: string,
  name: string,
  texts: readonly string[],
  shape: readonly number[],
): void {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const longest = encoded.reduce((most, { length }) => Math.max(most, length), 0);
  const list = shape.length > 0;
  if (!list || texts.length * Math.max(longest, REFERENCE) <= LONGEST_LIST) {
    const ascii = encoded.every((bytes, i) => bytes.length === texts[i]!.length);
    const kind = form(TYPE.text, REFERENCE, shape, { vlen: true, cset: ascii ? 0 : 1 });
    module.create_vlen_str_attribute(file, place, name, texts, kind);
    return;
  }
  const width = longest + 1; // so that each ends at a zero
  const parts = partsOf(texts.length, width);
  let at = 0;
  for (const [part, count] of parts.entries()) {
    const bytes = new Uint8Array(count * width);
    for (let i = 0; i < count; i++) bytes.set(encoded[at + i]!, i * width);
    handing(module, bytes, (pointer) =>
      module.create_attribute(
        file,
        place,
        `${name}${part}`,
        pointer,
        form(TYPE.text, width, [count], { cset: 0 }),
      ),
    );
    at += count;
  }
}

/** How many texts each part takes: the fewest parts that fit, the first ones longer by one, as numpy's array_split does. */
function partsOf(count: number, width: number): number[] {
  let parts = 2;
  while (parts < count && Math.ceil(count / parts) * width > LONGEST_LIST) parts++;
  return Array.from({ length: parts }, (_, i) => Math.floor(count / parts) + (i < count % parts ? 1 : 0));
}

function writeArray(module: Hdf5Module, file: bigint, place: string, { shape, data }: Hdf5Array): void {
  const float = data instanceof Float32Array || data instanceof Float64Array;
  const signed = /^(Int|BigInt)/.test(data.constructor.name);
  const kind = form(float ? TYPE.float : TYPE.integer, data.BYTES_PER_ELEMENT, shape, { signed });
  handing(module, bytesOf(data), (pointer) => module.create_dataset(file, place, pointer, kind));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
