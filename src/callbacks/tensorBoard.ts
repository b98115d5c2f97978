import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import { getColumnPrefix, type HistoryRow } from '../core/records/history.js';
import { EVENT_FILE_VERSION, encodeEvents, type ScalarSummary, type TfEvent } from '../formats/tfEvents.js';
import type { StatefulCallback } from '../training/callback.js';
import { checkWritable } from './checkWritable.js';

/**
 * Options of {@link tensorBoard}.
 *
 * @category Callbacks
 */
export interface TensorBoardOptions {
  /**
   * Folder in the store. Default: the root of the store. Use a separate folder for each run, because TensorBoard draws all events
   * in a folder as one curve.
   */
  readonly folder?: string;
  /**
   * How often the running means of an epoch are written. The values at the end of each epoch are always written. Default `epoch`.
   *
   * - `epoch`: never.
   * - `batch`: after every step.
   * - A number `n`: after every `n` steps.
   */
  readonly updateFreq?: 'epoch' | 'batch' | number;
  /** Returns the current time in milliseconds since 1970, for the time axis. Default `Date.now`. */
  readonly now?: () => number;
}

/** Names of the TensorBoard runs (the subfolders with event files). Keras writes the same two runs. */
const RUN_NAMES = ['train', 'validation'] as const;
type RunName = (typeof RUN_NAMES)[number];

/** Event file of each run, and the number of its bytes that are valid. */
type EventFiles = Record<RunName, { readonly name: string; bytes: number }>;

/** State of the callback that a checkpoint contains. */
interface TensorBoardState {
  readonly files: EventFiles;
  readonly iterations: number;
}

/**
 * Returns a callback that writes event files for TensorBoard. `tensorboard --logdir out` shows them while the run continues,
 * next to Keras runs. Run names, tags and steps match the `TensorBoard` callback of Keras:
 *
 * - In `train` and `validation`: `epoch_loss`, `epoch_age_mae` and so on, with epochs counted from 0, and
 *   `epoch_learning_rate`, the learning rate of the last update in the epoch.
 * - In `validation` also: `evaluation_loss_vs_iterations` and so on. The step is the number of updates so far.
 * - In `train` also, with `updateFreq`: `batch_loss` and so on, which are the running means of the epoch, with steps counted from
 *   1.
 *
 * In addition to what Keras writes, it writes `epoch_seconds`, and the columns of unaugmented validation as
 * `epoch_unaugmented_loss` and so on.
 *
 * A resumed run appends to its event files. Events that were written after the checkpoint are removed first, so no event is
 * repeated.
 *
 * @param store - Store that the event files are written to.
 * @returns A callback for the option `callbacks` of `fit`.
 * @throws `argument` error for an `updateFreq` that is not `epoch`, `batch` or an integer greater than 0.
 * @example
 * ```ts
 * import { memoryStore, tensorBoard } from 'tfjs-multitask';
 *
 * console.log(tensorBoard(memoryStore(), { updateFreq: 100 }).name); // tensorBoard
 * ```
 * @category Callbacks
 */
export function tensorBoard(store: Store, options: TensorBoardOptions = {}): StatefulCallback {
  const { folder = '', updateFreq = 'epoch', now = Date.now } = options;
  const every = toBatchInterval(updateFreq);
  return {
    name: 'tensorBoard',
    create: async (run, saved) => {
      await checkWritable(store);
      const state = saved?.values as unknown as TensorBoardState | undefined;
      const files = state ? structuredClone(state.files) : await createEventFiles(store, folder, now());
      let iterations = state?.iterations ?? 0;

      const write = async (name: RunName, step: number, scalars: readonly ScalarSummary[]) => {
        if (scalars.length === 0) return;
        const file = files[name];
        const wallTime = now() / 1000;
        const first: TfEvent[] = file.bytes > 0 ? [] : [{ wallTime, what: { version: EVENT_FILE_VERSION } }];
        const bytes = encodeEvents([...first, { wallTime, what: { step, scalars } }]);
        await store.append(file.name, bytes);
        file.bytes += bytes.length;
      };
      const writeRow = async (row: HistoryRow) => {
        for (const name of RUN_NAMES) await write(name, row.epoch - 1, toScalars(row, name));
      };

      if (state) await truncateFiles(store, files);
      else for (const row of run.history) await writeRow(row); // epochs that ended before this callback was added
      return {
        onBatchEnd: async ({ epoch, batch: step, batches, logs }) => {
          iterations = (epoch - 1) * batches + step;
          if (iterations % every !== 0) return;
          const scalars = Object.entries(logs).map(([name, value]) => ({ tag: `batch_${name}`, value }));
          await write('train', iterations, scalars);
        },
        onEpochEnd: async ({ row }) => {
          await write('validation', iterations, toEvaluationScalars(row));
          await writeRow(row);
        },
        getState: () => ({ values: structuredClone({ files, iterations }) }),
      };
    },
  };
}

function toBatchInterval(updateFreq: NonNullable<TensorBoardOptions['updateFreq']>): number {
  if (updateFreq === 'epoch') return Number.POSITIVE_INFINITY;
  if (updateFreq === 'batch') return 1;
  if (Number.isInteger(updateFreq) && updateFreq >= 1) return updateFreq;
  throw createError({
    kind: 'argument',
    path: 'tensorBoard.updateFreq',
    expected: '"epoch", "batch" or an integer number of batches',
    received: formatValue(updateFreq),
    advice: 'Omit it to log one point per epoch.',
  });
}

/** Returns unused names for new event files, so that a second run in the same folder does not overwrite the first. */
async function createEventFiles(store: Store, folder: string, now: number): Promise<EventFiles> {
  const seconds = String(Math.floor(now / 1000)).padStart(10, '0'); // TensorBoard reads files sorted by name
  const top = folder === '' ? '' : `${folder.replace(/\/+$/, '')}/`;
  const file = async (run: RunName) => {
    const start = `${top}${run}/events.out.tfevents.${seconds}.tfjs-multitask.`;
    return { name: `${start}${(await store.list(start)).length}.v2`, bytes: 0 };
  };
  return { train: await file('train'), validation: await file('validation') };
}

/** Removes the events that were written after the checkpoint. */
async function truncateFiles(store: Store, files: EventFiles): Promise<void> {
  for (const file of Object.values(files)) {
    const written = file.bytes > 0 ? await readStoreFile(store, file.name) : undefined;
    if (!written || written.length < file.bytes) {
      file.bytes = 0; // the file did not exist when the checkpoint was written, or it has been deleted since
      await store.remove(file.name);
    } else if (written.length > file.bytes) {
      await store.write(file.name, written.slice(0, file.bytes));
    }
  }
}

/** Returns the columns of a row that belong to a TensorBoard run, as scalars. */
function toScalars(row: HistoryRow, run: RunName): ScalarSummary[] {
  return Object.entries(row).flatMap(([column, value]) => {
    if (column === 'epoch' || typeof value !== 'number') return [];
    const runOfColumn: RunName = getColumnPrefix(column) === '' ? 'train' : 'validation';
    return runOfColumn === run ? [{ tag: `epoch_${column.replace(/^val_/, '')}`, value }] : [];
  });
}

/**
 * Returns the validation columns with the tags for the number of updates, as Keras writes them. Unaugmented validation has no such
 * tags.
 */
function toEvaluationScalars(row: HistoryRow): ScalarSummary[] {
  return Object.entries(row).flatMap(([column, value]) =>
    getColumnPrefix(column) === 'val_' && typeof value === 'number'
      ? [{ tag: `evaluation_${column.slice('val_'.length)}_vs_iterations`, value }]
      : [],
  );
}
