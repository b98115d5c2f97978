import { createError } from '../core/errors/errors.js';
import { parseExact, stringifyExact } from '../core/exactJson.js';
import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import type { HistoryRow } from '../core/records/history.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { Weights } from '../network/weights.js';
import type { CallbackState } from './callback.js';
import type { Fingerprint } from './fingerprint.js';

/** Name of the file with the state of a run. */
export const CHECKPOINT_FILE = 'checkpoint.safetensors';

/** Version of the file format. It is raised when older versions of the library can no longer read the file. */
const FORMAT_VERSION = 1;

/** State of a run: everything that the remaining steps depend on, except the options of `fit`. */
export interface RunState {
  /** Number of finished epochs. */
  readonly epoch: number;
  /** Number of finished steps of the current epoch; 0 between epochs. */
  readonly step: number;
  /** Running sums of the current epoch. */
  readonly sums: readonly number[];
  /** Wall-clock seconds of the current epoch so far. */
  readonly seconds: number;
  /** Learning rate of the latest update of the current epoch. */
  readonly lastRate: number | null;
  /** Number of batches that the optimizer has processed. */
  readonly iterations: number;
  /** Learning rate, if it is a plain number that callbacks can change. Null if it follows a schedule. */
  readonly learningRate: number | null;
  readonly rows: readonly HistoryRow[];
  /** Why the run ended. Null if the run can continue. */
  readonly stopped: string | null;
  /** Name of the engine that ran the last step. */
  readonly engine: string;
}

/** A checkpoint: the state of a run with its weights and optimizer slots. */
export interface Checkpoint {
  readonly state: RunState;
  readonly weights: Weights;
  /** Optimizer slots, keyed by the name of the weight and the index of the slot: `trunk_conv1/kernel#0`. */
  readonly slots: Weights;
  readonly callbacks: { readonly [key: string]: CallbackState };
}

/** Writes the checkpoint as one file, which the store replaces atomically. */
export async function writeCheckpoint(
  store: Store,
  fingerprint: Fingerprint,
  checkpoint: Checkpoint,
): Promise<void> {
  const { state, weights, slots, callbacks } = checkpoint;
  const arrays: Record<string, Weights[string]> = {};
  const add = (prefix: string, group: Weights) => {
    for (const [name, array] of Object.entries(group)) arrays[`${prefix}/${name}`] = array;
  };
  add('weights', weights);
  add('slots', slots);
  const values: Record<string, Json> = {};
  for (const [key, callback] of Object.entries(callbacks)) {
    values[key] = callback.values;
    if (callback.arrays) add(`callbacks/${key}`, callback.arrays);
  }
  const metadata = {
    format: `tfjs-multitask checkpoint ${FORMAT_VERSION}`,
    contract: JSON.stringify(fingerprint),
    state: stringifyExact(state),
    callbacks: stringifyExact(values),
  };
  await store.write(CHECKPOINT_FILE, await writeSafetensors({ arrays, metadata }));
}

/**
 * Reads the checkpoint from a store. Returns undefined if the store has no checkpoint.
 *
 * @throws `checkpoint` error for a corrupt file, an unknown format version, and a run with a different configuration. The error lists the
 *   differences.
 */
export async function readCheckpoint(
  store: Store,
  fingerprint: Fingerprint,
): Promise<Checkpoint | undefined> {
  const bytes = await readStoreFile(store, CHECKPOINT_FILE);
  if (!bytes) return undefined;
  const path = `${store.label}/${CHECKPOINT_FILE}`;
  const { arrays, metadata } = await readSafetensors(bytes, path);
  if (metadata.format !== `tfjs-multitask checkpoint ${FORMAT_VERSION}`) {
    throw createError({
      kind: 'checkpoint',
      path,
      expected: `the format "tfjs-multitask checkpoint ${FORMAT_VERSION}"`,
      received: metadata.format === undefined ? 'a file without a format' : `the format "${metadata.format}"`,
      advice: 'Resume with the version of the library that wrote the file.',
    });
  }
  const savedParts = JSON.parse(metadata.contract ?? '{}') as Fingerprint;
  const differing = Object.keys(fingerprint).filter((part) => savedParts[part] !== fingerprint[part]);
  if (differing.length > 0) {
    throw createError({
      kind: 'checkpoint',
      path,
      expected: `a run with the same ${Object.keys(fingerprint).join(', ')}`,
      received: `a run that differs in ${differing.join(', ')}`,
      advice: 'Resume with the settings of that run, or train into another folder.',
    });
  }
  const group = (prefix: string): Weights =>
    Object.fromEntries(
      Object.entries(arrays)
        .filter(([name]) => name.startsWith(`${prefix}/`))
        .map(([name, array]) => [name.slice(prefix.length + 1), array]),
    );
  const values = parseExact(metadata.callbacks ?? '{}') as Record<string, Json>;
  return {
    state: parseExact(metadata.state ?? 'null') as RunState,
    weights: group('weights'),
    slots: group('slots'),
    callbacks: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        { values: value, arrays: group(`callbacks/${key}`) },
      ]),
    ),
  };
}
