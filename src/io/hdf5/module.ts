import type { PackageLoader } from '../../core/outside.js';

/** What a dataset or an attribute is to be. */
export interface Form {
  readonly type: number;
  readonly size: number;
  readonly signed: boolean;
  readonly vlen: boolean;
  readonly cset?: number;
  readonly littleEndian: true;
  readonly shape: readonly bigint[];
  readonly maxshape: readonly bigint[];
  readonly chunks: null;
  readonly total_size: number;
}

/** Classes of types that are written, by their numbers in HDF5. */
export const TYPE = { integer: 0, float: 1, text: 3 } as const;

interface Stream {
  stream_ops: { write(stream: Stream, bytes: Uint8Array, offset: number, length: number): number };
}

/** h5wasm as far as the library uses it: the C library's functions, and the file system in memory that it writes to. */
export interface Hdf5Module {
  readonly HEAPU8: Uint8Array;
  readonly H5F_ACC_TRUNC: number;
  readonly H5F_LIBVER_EARLIEST: number;
  readonly H5F_LIBVER_V18: number;
  readonly FS: {
    readonly streams: (Stream | null)[];
    readFile(name: string): Uint8Array;
    unlink(name: string): void;
    analyzePath(name: string): { readonly exists: boolean };
  };
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  open(name: string, mode: number, trackOrder: boolean, low: number, high: number): bigint;
  close_file(file: bigint): number;
  create_group(file: bigint, path: string, trackOrder: boolean): number;
  create_attribute(file: bigint, path: string, name: string, pointer: bigint, form: Form): number;
  create_vlen_str_attribute(
    file: bigint,
    path: string,
    name: string,
    texts: readonly string[],
    form: Form,
  ): number;
  create_dataset(file: bigint, path: string, pointer: bigint, form: Form): number;
}

/** One name for every file: a write ends before the next begins, since nothing in it waits. */
export const FILE = '/tfjs-multitask.h5';

/**
 * Loads h5wasm. It is its build for pages, in Node too: its file system is in memory, where the one for Node has
 * the machine's.
 *
 * @throws `missing-package` fault when it is not installed.
 */
export async function loadHdf5(load: PackageLoader): Promise<Hdf5Module> {
  const loaded = await load<{ ready?: Promise<Hdf5Module>; default?: { ready: Promise<Hdf5Module> } }>(
    'h5wasm',
    'Keras files',
  );
  return (loaded.ready ?? loaded.default!.ready) as Promise<Hdf5Module>;
}

/**
 * Runs `work` and gives what the C library complained of in it, which it would print: most of its functions here do not
 * tell of an error by what they return.
 */
export function listening<T>({ FS }: Hdf5Module, work: (complaint: () => string | undefined) => T): T {
  const stderr = FS.streams[2]!;
  const printing = stderr.stream_ops;
  let said = '';
  stderr.stream_ops = {
    ...printing,
    write: (_stream, bytes, offset, length) => {
      if (said.length < 100_000) said += new TextDecoder().decode(bytes.slice(offset, offset + length));
      return length;
    },
  };
  try {
    return work(() => {
      // The last line of its stack of errors is the one that says what was wrong in the bytes.
      const line = said.match(/^ {2}#\d+: .* in .*?: (.*)$/gm)?.at(-1);
      return said === '' ? undefined : (line?.replace(/^.*?\(\): (line \d+: )?/, '') ?? 'no reason given');
    });
  } finally {
    stderr.stream_ops = printing;
  }
}

/** Removes the file, whatever happened. */
export function removeFile({ FS }: Hdf5Module): void {
  if (FS.analyzePath(FILE).exists) FS.unlink(FILE);
}

/** Runs `work` with `bytes` of the C library's memory. */
export function withMemory<T>(module: Hdf5Module, bytes: number, work: (pointer: number) => T): T {
  const pointer = module._malloc(Math.max(1, bytes));
  if (pointer === 0) throw new RangeError(`no memory for ${bytes} bytes`);
  try {
    return work(pointer);
  } finally {
    module._free(pointer);
  }
}
