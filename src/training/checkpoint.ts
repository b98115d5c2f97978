import { createError } from '../core/errors/errors.js';
import { parseExact, stringifyExact } from '../core/exactJson.js';
import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { Weights } from '../network/weights.js';
import type { CallbackState } from './callback.js';
import type { Fingerprint } from './fingerprint.js';

/** The one file of a run's state. */
export const CHECKPOINT_FILE = 'checkpoint.safetensors';

/** Raised when an older reader could not go on from a newer file. */
const FORMAT_VERSION = 1;

/** Where a run stands: everything that its rest depends on and that is not given again. */
export interface RunState {
  /** Epochs finished. */
  readonly epoch: number;
  /** Steps done in the epoch that has begun; 0 between epochs. */
  readonly step: number;
  /** Running sums of that epoch. */
  readonly sums: readonly number[];
  /** Wall-clock seconds spent in that epoch so far. */
  readonly seconds: number;
  /** The rate of that epoch's last update so far. */
  readonly lastRate: number | null;
  /** Batches seen by the optimiser in all. */
  readonly iterations: number;
  /** The rate, where callbacks may change it. */
  readonly learningRate: number | null;
  readonly rows: readonly HistoryRow[];
  /** Why the run is over, if it is. */
  readonly stopped: string | null;
  /** Name of the engine that ran the last step. */
  readonly engine: string;
}

/** A checkpoint: the state, and the numbers that belong to it. */
export interface Checkpoint {
  readonly state: RunState;
  readonly weights: Weights;
  /** By weight and slot: `trunk_conv1/kernel#0`. */
  readonly slots: Weights;
  readonly callbacks: { readonly [key: string]: CallbackState };
}

/** Writes the checkpoint whole or not at all. */
export async function writeCheckpoint(
  store: Store,
  contract: Fingerprint,
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
    contract: JSON.stringify(contract),
    state: stringifyExact(state),
    callbacks: stringifyExact(values),
  };
  await store.write(CHECKPOINT_FILE, await writeSafetensors({ arrays, metadata }));
}

/**
 * The checkpoint of a store, or undefined when it has none.
 *
 * @throws `checkpoint` fault when it is corrupt, of a newer format, or of a run with another configuration: the error
 *   names what differs.
 */
export async function readCheckpoint(store: Store, contract: Fingerprint): Promise<Checkpoint | undefined> {
  const bytes = await store.read(CHECKPOINT_FILE);
  if (!bytes) return undefined;
  const path = `${store.label}/${CHECKPOINT_FILE}`;
  const { arrays, metadata } = await readSafetensors(bytes, path);
  if (metadata.format !== `tfjs-multitask checkpoint ${FORMAT_VERSION}`) {
    throw createError({
      kind: 'checkpoint',
      path,
      expected: `format ${FORMAT_VERSION}`,
      received: metadata.format ?? 'a file of another kind',
      advice: 'Resume with the version that wrote it.',
    });
  }
  const saved = JSON.parse(metadata.contract ?? '{}') as Fingerprint;
  const differing = Object.keys(contract).filter((part) => saved[part] !== contract[part]);
  if (differing.length > 0) {
    throw createError({
      kind: 'checkpoint',
      path,
      expected: `a run with the same ${Object.keys(contract).join(', ')}`,
      received: `one that differs in ${differing.join(', ')}`,
      advice: 'Resume with the old settings, or train into another folder.',
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
