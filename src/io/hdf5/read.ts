import { fault, isMultitaskError } from '../../core/errors.js';
import type { PackageLoader } from '../../core/outside.js';
import type { Hdf5Array, Hdf5Group, Hdf5Numbers, Hdf5Value } from '../hdf5.js';
import {
  type Description,
  FILE,
  type Hdf5Module,
  listening,
  loadHdf5,
  removeFile,
  TYPE,
  withMemory,
} from './module.js';

/** A model of 100,000 layers is none; a file of as many groups was made to keep the reader busy. */
const MOST_OBJECTS = 200_000;
const MOST_ATTRIBUTES = 200_000;
/** Nested models are groups within groups. */
const DEEPEST = 64;
/** What deflate can pack into one byte, at most. */
const MOST_PER_BYTE = 1032;
/** Bytes that a compressed file may unpack to: what h5wasm's own memory ends at. */
const LARGEST_UNPACKED = 2 ** 31;
/** Bytes read at a time, so that the C library's memory, which never shrinks, stays small. */
const SLAB = 8 * 2 ** 20;
/** Filters that every HDF5 has: deflate, shuffle, checksum. */
const FILTERS = [1, 2, 3];

/**
 * Reads a whole HDF5 file into memory: Keras's `.h5` and `.weights.h5`. The file is not trusted: claimed sizes are held
 * against what its bytes can hold before anything is allocated, and links, datasets in other files and loops are refused.
 *
 * @param path - The file, for errors.
 * @param load - Brings h5wasm.
 * @throws `file` fault for a file that is cut short, changed, or of another format; `missing-package` fault without h5wasm.
 */
export async function readHdf5(bytes: Uint8Array, path: string, load: PackageLoader): Promise<Hdf5Group> {
  const module = await loadHdf5(load);
  const corrupt = (received: string, cause?: unknown) =>
    fault({
      kind: 'file',
      path,
      expected: 'a whole HDF5 file, as Keras writes it',
      received,
      advice: 'Save it anew with Keras, or download it again.',
      cause,
    });
  return listening(module, (complaint) => {
    let file = -1n;
    try {
      module.FS.writeFile(FILE, bytes, { canOwn: true });
      file = module.open(FILE, module.H5F_ACC_RDONLY, false, -1, -1);
      if (file < 0n) throw corrupt(`${bytes.length} bytes of something else or of a part`, complaint());
      const reading = new Reading(module, file, bytes.length, complaint, (place, received) =>
        corrupt(`${received} at ${place}`, complaint()),
      );
      return reading.group('/', 0);
    } catch (error) {
      if (isMultitaskError(error)) throw error;
      throw corrupt(`a file that HDF5 cannot read (${complaint() ?? (error as Error).message})`, error);
    } finally {
      if (file >= 0n) module.close_file(file);
      removeFile(module);
    }
  });
}

/** One file while it is read, and what is left of the bounds that hold for all of it together. */
class Reading {
  private objects = MOST_OBJECTS;
  private attributes = MOST_ATTRIBUTES;
  private plainBytes: number;
  private unpackedBytes: number;
  private readonly seen = new Set<string>();

  constructor(
    private readonly module: Hdf5Module,
    private readonly file: bigint,
    private readonly fileBytes: number,
    private readonly complaint: () => string | undefined,
    private readonly corrupt: (place: string, received: string) => Error,
  ) {
    this.plainBytes = fileBytes;
    this.unpackedBytes = Math.min(LARGEST_UNPACKED, fileBytes * MOST_PER_BYTE);
  }

  group(place: string, depth: number): Hdf5Group {
    const { module, file } = this;
    if (depth > DEEPEST) throw this.corrupt(place, `groups more than ${DEEPEST} deep`);
    this.enter(place);
    const attributes = this.attributesOf(place);
    const groups: [string, Hdf5Group][] = [];
    const arrays: [string, Hdf5Array][] = [];
    for (const name of this.checked(place, module.get_names(file, place, false))) {
      const inner = place === '/' ? `/${name}` : `${place}/${name}`;
      if (name === '' || name === '.' || name.includes('/'))
        throw this.corrupt(inner, 'a name with "/" or "."');
      const type = this.typeOf(inner);
      if (type === module.H5G_GROUP) groups.push([name, this.group(inner, depth + 1)]);
      else if (type === module.H5G_DATASET) arrays.push([name, this.array(inner)]);
      else throw this.corrupt(inner, 'something that is neither a group nor a dataset');
    }
    return { attributes, groups: Object.fromEntries(groups), arrays: Object.fromEntries(arrays) };
  }

  /** `value`, unless the C library has complained: what it returns then is what it had so far. */
  private checked<T>(place: string, value: T): T {
    const said = this.complaint();
    if (said !== undefined) throw this.corrupt(place, `something that HDF5 cannot read (${said})`);
    return value;
  }

  /** Counts an object, and refuses one that was met before: it is a loop, or one that is there many times over. */
  private enter(place: string): void {
    if (--this.objects < 0) throw this.corrupt(place, `more than ${MOST_OBJECTS} groups and datasets`);
    const address = this.checked(place, this.module.create_object_reference(this.file, place)).join();
    if (this.seen.has(address)) throw this.corrupt(place, 'a group or dataset that stands elsewhere too');
    this.seen.add(address);
  }

  /** The kind of object, without following a link to anywhere. */
  private typeOf(place: string): number {
    const { module, file } = this;
    if (module.get_symbolic_link(file, place) !== null) throw this.corrupt(place, 'a soft link');
    if (module.get_external_link(file, place).filename !== undefined) {
      throw this.corrupt(place, 'a link to another file');
    }
    return this.checked(place, module.get_type(file, place));
  }

  private attributesOf(place: string): Record<string, Hdf5Value> {
    const names = this.checked(place, this.module.get_attribute_names(this.file, place));
    this.attributes -= names.length;
    if (this.attributes < 0) throw this.corrupt(place, `more than ${MOST_ATTRIBUTES} attributes`);
    return Object.fromEntries(names.map((name) => [name, this.attribute(place, name)]));
  }

  private attribute(place: string, name: string): Hdf5Value {
    const { module, file } = this;
    const where = `attribute "${name}" of ${place}`;
    const form = this.checked(where, module.get_attribute_metadata(file, place, name));
    if (form.shape === null || form.total_size === 0) return [];
    const bytes = form.size * form.total_size;
    if (!(bytes <= this.fileBytes)) throw this.corrupt(where, `${bytes} bytes, more than the file has,`);
    const values = withMemory(module, bytes, (pointer) => {
      module.HEAPU8.fill(0, pointer, pointer + bytes); // pointers to text that could not be read stay null
      const status = module.get_attribute_data(file, place, name, BigInt(pointer));
      try {
        this.checked(where, status);
        if (status < 0) throw this.corrupt(where, 'values that cannot be read');
        const raw = module.HEAPU8.slice(pointer, pointer + bytes);
        if (form.type !== TYPE.text) return Array.from(this.numbers(where, form, raw.buffer), Number);
        return form.vlen
          ? Array.from(new Uint32Array(raw.buffer), (text) => module.UTF8ToString(text))
          : Array.from({ length: form.total_size }, (_, i) =>
              fixedText(raw.subarray(i * form.size, (i + 1) * form.size), form.strpad === 2),
            );
      } finally {
        if (form.vlen) module.reclaim_vlen_memory(file, place, name, BigInt(pointer));
      }
    });
    return form.shape.length === 0 ? values[0]! : (values as string[] | number[]);
  }

  private array(place: string): Hdf5Array {
    const { module, file } = this;
    this.enter(place);
    this.attributesOf(place); // of no use to a model, but a file with broken ones is broken
    const form = this.checked(place, module.get_dataset_metadata(file, place));
    const { shape, chunks, total_size, size } = form;
    if (shape === null || total_size === 0) {
      return { shape: shape ?? [0], data: this.numbers(place, form, new ArrayBuffer(0)) };
    }
    const bytes = size * total_size;
    this.claim(place, form, bytes);
    const raw = new Uint8Array(bytes);
    const row = bytes / (shape[0] ?? 1);
    // Whole rows, and whole rows of chunks: a chunk is unpacked once.
    const unit = chunks?.[0] ?? 1;
    const rows = Math.min(shape[0] ?? 1, unit * Math.max(1, Math.floor(SLAB / (row * unit))));
    withMemory(module, rows * row, (pointer) => {
      for (let at = 0; at < (shape[0] ?? 1); at += rows) {
        const count = Math.min(rows, (shape[0] ?? 1) - at);
        const whole = count === (shape[0] ?? 1);
        const status = module.get_dataset_data(
          file,
          place,
          whole ? null : shape.map((side, axis) => BigInt(axis === 0 ? count : side)),
          whole ? null : shape.map((_, axis) => BigInt(axis === 0 ? at : 0)),
          whole ? null : shape.map(() => 1n),
          BigInt(pointer),
        );
        this.checked(place, status);
        if (status < 0) throw this.corrupt(place, 'numbers that cannot be read');
        raw.set(module.HEAPU8.subarray(pointer, pointer + count * row), at * row);
      }
    });
    return { shape, data: this.numbers(place, form, raw.buffer) };
  }

  /** Holds the size that a dataset claims against what is left of the file, before anything is allocated. */
  private claim(place: string, form: Description, bytes: number): void {
    if (form.virtual_sources) throw this.corrupt(place, 'a dataset made of others');
    if (form.chunks === null) {
      this.plainBytes -= bytes;
      if (!(this.plainBytes >= 0)) throw this.corrupt(place, `${bytes} bytes, more than the file has,`);
      return;
    }
    for (const { id, name } of this.module.get_dataset_filters(this.file, place)) {
      if (!FILTERS.includes(id)) throw this.corrupt(place, `numbers packed by "${name}" (filter ${id})`);
    }
    this.unpackedBytes -= bytes;
    const chunk = form.chunks.reduce((product, side) => product * side, form.size);
    if (
      !(this.unpackedBytes >= 0) ||
      !(chunk <= LARGEST_UNPACKED) ||
      !form.chunks.every((side) => side > 0)
    ) {
      throw this.corrupt(place, `${bytes} bytes, more than the file can hold,`);
    }
  }

  private numbers(place: string, form: Description, buffer: ArrayBuffer): Hdf5Numbers {
    const type = form.type === TYPE.enum ? (form.enum_type?.type ?? form.type) : form.type;
    const { size, signed } = form;
    if (type === TYPE.float && size === 2) return widened(new Uint16Array(buffer));
    if (type === TYPE.float && size === 4) return new Float32Array(buffer);
    if (type === TYPE.float && size === 8) return new Float64Array(buffer);
    if (type === TYPE.integer && size === 1) return new (signed ? Int8Array : Uint8Array)(buffer);
    if (type === TYPE.integer && size === 2) return new (signed ? Int16Array : Uint16Array)(buffer);
    if (type === TYPE.integer && size === 4) return new (signed ? Int32Array : Uint32Array)(buffer);
    if (type === TYPE.integer && size === 8) return new (signed ? BigInt64Array : BigUint64Array)(buffer);
    throw this.corrupt(place, `values of a type that is not read (class ${type}, ${size} bytes)`);
  }
}

/** Text of fixed length: it ends at a zero, or before the spaces that fill it up. ASCII is UTF-8 too. */
function fixedText(bytes: Uint8Array, spaces: boolean): string {
  const zero = bytes.indexOf(0);
  const text = new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero));
  return spaces ? text.trimEnd() : text;
}

/** IEEE 754 halves as floats, exactly: every half is a float. */
function widened(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) floats[i] = (half & 0x8000 ? -1 : 1) * fraction * 2 ** -24;
    else
      bits[i] = ((half & 0x8000) << 16) | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return floats;
}
