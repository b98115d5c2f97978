import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import { EVENT_FILE_VERSION, encodeEvents, type ScalarSummary, type TfEvent } from '../formats/tfEvents.js';
import type { Callback } from '../training/callback.js';
import { checkWritable } from './checkWritable.js';

/**
 * Options of {@link tensorBoard}.
 *
 * @category Callbacks
 */
export interface TensorBoardOptions {
  /** Where in the store. Default its top. One folder a run: TensorBoard draws all that lies in one as one curve. */
  readonly folder?: string;
  /**
   * When the running means of an epoch are written, beside what is written after each: `epoch` (default) never, `batch` after
   * every step, a number after every so many steps.
   */
  readonly updateFreq?: 'epoch' | 'batch' | number;
  /** Milliseconds since 1970, for axes of time. Default `Date.now`. */
  readonly now?: () => number;
}

/** TensorBoard's word for a curve of its own; Keras has these two. */
const RUN_NAMES = ['train', 'validation'] as const;
type RunName = (typeof RUN_NAMES)[number];

/** A file and how many of its bytes count. */
type EventFiles = Record<RunName, { readonly name: string; bytes: number }>;

/** What a checkpoint keeps. */
interface TensorBoardState {
  readonly files: EventFiles;
  readonly iterations: number;
}

/**
 * Writes event files for TensorBoard: `tensorboard --logdir out` shows them while a run goes on and beside runs of Keras. Runs,
 * tags and steps are those of Keras's callback. In `train` and `validation`: `epoch_loss`, `epoch_age_mae`, … with epochs
 * counted from 0, and `epoch_learning_rate`, the rate of the epoch's last update; in `validation` also
 * `evaluation_loss_vs_iterations`, … with the updates so far; with `updateFreq` in `train` also `batch_loss`, …, the running
 * means of the epoch, with steps counted from 1. Beyond Keras: `epoch_seconds`, and the clean columns as `epoch_clean_loss`, ….
 *
 * A resumed run goes on in the files it had. What was written after the checkpoint it starts from is cut off first, so no
 * event is there twice.
 *
 * @throws `argument` fault for another `updateFreq`.
 * @example
 * ```ts
 * import { memoryStore, tensorBoard } from 'tfjs-multitask';
 *
 * console.log(tensorBoard(memoryStore(), { updateFreq: 100 }).name); // tensorBoard
 * ```
 * @category Callbacks
 */
export function tensorBoard(store: Store, options: TensorBoardOptions = {}): Callback {
  const { folder = '', updateFreq = 'epoch', now = Date.now } = options;
  const every = toBatchInterval(updateFreq);
  return {
    name: 'tensorBoard',
    create: async (run, saved) => {
      await checkWritable(store);
      const kept = saved?.values as unknown as TensorBoardState | undefined;
      const files = kept ? structuredClone(kept.files) : await createEventFiles(store, folder, now());
      let iterations = kept?.iterations ?? 0;

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

      if (kept) await truncateFiles(store, files);
      else for (const row of run.history) await writeRow(row); // of a run that had no such callback before
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

/** Names that no file has, so that a second run in one folder harms none. */
async function createEventFiles(store: Store, folder: string, now: number): Promise<EventFiles> {
  const seconds = String(Math.floor(now / 1000)).padStart(10, '0'); // TensorBoard reads files in the order of their names
  const top = folder === '' ? '' : `${folder.replace(/\/+$/, '')}/`;
  const file = async (run: RunName) => {
    const start = `${top}${run}/events.out.tfevents.${seconds}.tfjs-multitask.`;
    return { name: `${start}${(await store.list(start)).length}.v2`, bytes: 0 };
  };
  return { train: await file('train'), validation: await file('validation') };
}

/** Takes from the end of the files what the checkpoint does not know. */
async function truncateFiles(store: Store, files: EventFiles): Promise<void> {
  for (const file of Object.values(files)) {
    const written = file.bytes > 0 ? await store.read(file.name) : undefined;
    if (!written || written.length < file.bytes) {
      file.bytes = 0; // not begun when the checkpoint was written, or lost since
      await store.remove(file.name);
    } else if (written.length > file.bytes) {
      await store.write(file.name, written.subarray(0, file.bytes));
    }
  }
}

/** The columns of a row as one of TensorBoard's runs has them. */
function toScalars(row: HistoryRow, run: RunName): ScalarSummary[] {
  return Object.entries(row).flatMap(([column, value]) => {
    if (column === 'epoch' || typeof value !== 'number') return [];
    const own: RunName = /^(val|clean)_/.test(column) ? 'validation' : 'train';
    return own === run ? [{ tag: `epoch_${column.replace(/^val_/, '')}`, value }] : [];
  });
}

function toEvaluationScalars(row: HistoryRow): ScalarSummary[] {
  return Object.entries(row).flatMap(([column, value]) =>
    column.startsWith('val_') && typeof value === 'number'
      ? [{ tag: `evaluation_${column.slice(4)}_vs_iterations`, value }]
      : [],
  );
}
