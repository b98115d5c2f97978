import { createCheckpointError, createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { parseExact, stringifyExact } from '../core/exactJson.js';
import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { Weights } from '../network/weights.js';
import type { CallbackState } from './callback.js';
import { type Fingerprint, PIXEL_PARTS } from './fingerprint.js';
import { isTable, parseRunState, type RunState } from './runState.js';

/** Name of the checkpoint file in its store. */
export const CHECKPOINT_FILE = 'checkpoint.safetensors';

/** Version number of the checkpoint format. The number is increased whenever older versions of the library cannot read the new format. */
const FORMAT_VERSION = 1;

/** Contents of a checkpoint: everything that is needed to resume a run from the last finished step. */
export interface Checkpoint {
  readonly state: RunState;
  readonly weights: Weights;
  /** Optimizer slots, such as the moments of Adam, keyed by slot name. */
  readonly slots: Weights;
  readonly callbacks: { readonly [key: string]: CallbackState };
}

/**
 * Writes a checkpoint to a store, as one file. The file replaces the previous checkpoint atomically, so an interruption cannot damage it.
 */
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
 * Reads the checkpoint of a run from a store. Returns undefined if the store contains no checkpoint.
 *
 * @throws `checkpoint` error for a corrupt file, for an unknown format version, and for a checkpoint of a run with a different
 *   configuration. In the last case, the error lists the differences.
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
      expected: `a file in the format "tfjs-multitask checkpoint ${FORMAT_VERSION}"`,
      received:
        metadata.format === undefined
          ? 'a file that is not a checkpoint'
          : `a file in the format "${metadata.format}"`,
      advice: 'Resume with the version of the library that wrote the checkpoint, or use another folder.',
    });
  }
  const createInvalidError = (received: string, cause?: unknown) =>
    createCheckpointError(
      path,
      'a checkpoint that fit() wrote',
      received,
      'Delete the file to start over, or restore the file from a backup.',
      cause,
    );
  const parseTable = (part: string) => {
    const table = parsePart(metadata[part], (cause) =>
      createInvalidError(`invalid JSON in the part "${part}"`, cause),
    );
    if (!isTable(table)) throw createInvalidError(`${formatValue(table)} as the part "${part}"`);
    return table;
  };
  const savedParts = parseTable('contract') as Fingerprint;
  const differs = (part: string) => savedParts[part] !== fingerprint[part];
  const impliedParts = Object.entries(PIXEL_PARTS).flatMap(([data, pixels]) =>
    differs(data) ? [pixels] : [],
  );
  const differing = Object.keys(fingerprint).filter(
    (part) => differs(part) && !impliedParts.includes(part as never),
  );
  if (differing.length > 0) {
    throw createError({
      kind: 'checkpoint',
      path,
      expected: `a checkpoint of a run with the same ${Object.keys(fingerprint).join(', ')}`,
      received: `a checkpoint of a run that differs in ${differing.join(', ')}`,
      advice: 'Resume with the options of that run, or use another folder for the checkpoint of this run.',
    });
  }
  const group = (prefix: string): Weights =>
    Object.fromEntries(
      Object.entries(arrays)
        .filter(([name]) => name.startsWith(`${prefix}/`))
        .map(([name, array]) => [name.slice(prefix.length + 1), array]),
    );
  const values = parseTable('callbacks') as { readonly [key: string]: Json };
  const state = parseRunState(parseTable('state'));
  if (typeof state === 'string') throw createInvalidError(state);
  return {
    state,
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

/** Parses JSON from the metadata of a checkpoint. */
function parsePart(text: string | undefined, createJsonError: (cause: unknown) => Error): unknown {
  try {
    return parseExact(text ?? 'null');
  } catch (cause) {
    throw createJsonError(cause);
  }
}
