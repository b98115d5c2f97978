/** Reads event files that `src/formats/tfEvents.ts` wrote. Throws if a checksum or length is incorrect. */
import protobuf from 'protobufjs/minimal.js';
import type { Store } from '../../src/entries/node.js';
import { computeMaskedCrc32c } from '../../src/formats/tfEvents.js';

export interface ReadScalar {
  readonly tag: string;
  readonly step: number;
  readonly value: number;
}

export interface ReadFile {
  /** File versions of all records that contain a file version. */
  readonly versions: readonly string[];
  readonly wallTimes: readonly number[];
  readonly scalars: readonly ReadScalar[];
}

export function readEvents(bytes: Uint8Array): ReadFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const readChecked = (from: number, to: number) => {
    const part = bytes.subarray(from, to);
    if (part.length !== to - from || view.getUint32(to, true) !== computeMaskedCrc32c(part)) {
      throw new Error(`bytes ${from} to ${to} are not those that were written`);
    }
    return part;
  };
  const file = { versions: [] as string[], wallTimes: [] as number[], scalars: [] as ReadScalar[] };
  for (let at = 0; at < bytes.length; ) {
    readChecked(at, at + 8);
    const length = Number(view.getBigUint64(at, true));
    readEvent(readChecked(at + 12, at + 12 + length), file);
    at += length + 16;
  }
  return file;
}

function readEvent(
  bytes: Uint8Array,
  file: { versions: string[]; wallTimes: number[]; scalars: ReadScalar[] },
) {
  const reader = protobuf.Reader.create(bytes);
  let step = 0;
  while (reader.pos < reader.len) {
    const field = reader.uint32() >>> 3;
    if (field === 1) file.wallTimes.push(reader.double());
    else if (field === 2) step = Number(reader.int64());
    else if (field === 3) file.versions.push(reader.string());
    else if (field === 5)
      file.scalars.push(...readSummary(reader.bytes()).map((scalar) => ({ ...scalar, step })));
    else throw new Error(`field ${field} in an event`);
  }
}

function readSummary(bytes: Uint8Array) {
  const reader = protobuf.Reader.create(bytes);
  const scalars: { tag: string; value: number }[] = [];
  while (reader.pos < reader.len) {
    reader.uint32();
    const value = protobuf.Reader.create(reader.bytes());
    value.uint32();
    const tag = value.string();
    value.uint32();
    scalars.push({ tag, value: value.float() });
  }
  return scalars;
}

/**
 * Reads the scalars below a folder of a store, keyed by TensorBoard run. A run is named after the folder that
 * contains its event file.
 */
export async function scalarsIn(store: Store, folder = ''): Promise<Record<string, ReadScalar[]>> {
  const scalarsByRun: Record<string, ReadScalar[]> = {};
  for (const name of await store.list(folder)) {
    if (!name.includes('tfevents')) continue;
    const { scalars: fileScalars } = readEvents((await store.read(name))!);
    const run = name.split('/').at(-2)!;
    scalarsByRun[run] = [...(scalarsByRun[run] ?? []), ...fileScalars];
  }
  return scalarsByRun;
}
