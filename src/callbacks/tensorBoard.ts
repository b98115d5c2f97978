import * as checks from '../core/errors/checks.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import { toFolderName } from '../core/platform/storeNames.js';
import { getColumnPrefix, type HistoryRow } from '../core/records/history.js';
import { EVENT_FILE_VERSION, encodeEvents, type ScalarSummary, type TfEvent } from '../formats/tfEvents.js';
import type { StatefulCallback } from '../training/callback.js';
import { checkCallbackStore } from './checkCallbackStore.js';
import { readCallbackState } from './readCallbackState.js';

/**
 * Options for {@link tensorBoard}.
 *
 * @category Callbacks
 */
export interface TensorBoardOptions {
  /**
   * Folder in the store for the event files. Default: the root of the store. Use a separate folder for each run, because TensorBoard draws
   * all events in a folder as one curve. `fit` rejects a folder with event files of an earlier run, unless it may replace them.
   */
  readonly folder?: string;
  /**
   * Frequency at which losses and metrics are written. They are always written at the end of each epoch. Default `epoch`.
   *
   * - `epoch`: only at the end of each epoch.
   * - `batch`: also after every step.
   * - A number `n`: also after every `n` steps.
   */
  readonly updateFreq?: 'epoch' | 'batch' | number;
  /** Returns the current time in milliseconds since 1970, for the wall time of the events. Default `Date.now`. */
  readonly now?: () => number;
}

/** Names of the TensorBoard runs, which are the subfolders with event files. Keras uses the same names. */
const RUN_NAMES = ['train', 'validation'] as const;
type RunName = (typeof RUN_NAMES)[number];

/** For each TensorBoard run, the name of its event file and the number of bytes that were written to the file. */
type EventFiles = Record<RunName, { readonly name: string; bytes: number }>;

/** State of the callback that is stored in a checkpoint. */
interface TensorBoardState {
  readonly files: EventFiles;
  readonly iterations: number;
}

/**
 * Creates a callback that writes event files for TensorBoard. `tensorboard --logdir out` shows the events during the run, next to Keras
 * runs. Run names, tags and steps match the `TensorBoard` callback of Keras:
 *
 * - In `train` and `validation`: `epoch_loss`, `epoch_age_mae` and so on, with epochs counted from 0, and
 *   `epoch_learning_rate`, the learning rate of the last update in the epoch.
 * - In `validation` also: `evaluation_loss_vs_iterations` and so on. The step is the number of training steps so far.
 * - In `train` also, if `updateFreq` is not `epoch`: `batch_loss` and so on, which are the means over the epoch so far. Steps are counted
 *   from 1.
 *
 * Unlike Keras, the callback also writes `epoch_seconds`, and the losses and metrics of unaugmented validation as `epoch_unaugmented_loss`
 * and so on.
 *
 * A resumed run appends to its event files. It first removes events that were written after the checkpoint, so that no event is repeated.
 *
 * @param store - Store that the event files are written to.
 * @returns A callback for the `callbacks` option of `fit`.
 * @throws `argument` error for an `updateFreq` that is not `epoch`, `batch` or an integer of at least 1.
 * @example
 * ```ts
 * import { memoryStore, tensorBoard } from 'tfjs-multitask';
 *
 * console.log(tensorBoard(memoryStore(), { updateFreq: 100 }).name); // tensorBoard
 * ```
 * @category Callbacks
 */
export function tensorBoard(store: Store, options: TensorBoardOptions = {}): StatefulCallback {
  checkCallbackStore('tensorBoard', store, true);
  checks.options('tensorBoard', options, { folder: true, updateFreq: true, now: true });
  const { updateFreq = 'epoch', now = Date.now } = options;
  const folder = toFolderName('tensorBoard.folder', options.folder ?? '', {
    advice: 'Omit it to use the root of the store.',
  });
  checks.callable('tensorBoard.now', now, { advice: 'Omit it to use Date.now.' });
  const every = toBatchInterval(updateFreq);
  return {
    name: 'tensorBoard',
    outputs: [{ store, name: `${toPrefix(folder)}tensorboard`, files: createEventFilePattern(folder) }],
    create: async (run, saved) => {
      const state = readCallbackState<TensorBoardState | undefined>(
        'tensorBoard',
        saved,
        undefined,
        (values) =>
          typeof values.iterations === 'number' &&
          areEventFiles(values.files, createEventFilePattern(folder)),
      );
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
      else for (const row of run.history) await writeRow(row); // The callback was added to a resumed run: write its earlier epochs.
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

const toPrefix = (folder: string) => (folder === '' ? '' : `${folder}/`);

/** Returns a pattern for the event files of this callback in a folder. Event files of other programs do not match. */
function createEventFilePattern(folder: string): RegExp {
  const prefix = toPrefix(folder).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(
    `^${prefix}(?:${RUN_NAMES.join('|')})/events\\.out\\.tfevents\\.\\d+\\.tfjs-multitask\\.\\d+\\.v2$`,
  );
}

/** Returns whether a value from an untrusted file describes event files of this callback, so that no other file is replaced. */
function areEventFiles(value: unknown, pattern: RegExp): boolean {
  const files = value as {
    readonly [run: string]: { readonly [K in keyof EventFiles[RunName]]?: unknown } | null;
  } | null;
  return RUN_NAMES.every((run) => {
    const { name, bytes } = files?.[run] ?? {};
    return (
      typeof name === 'string' && pattern.test(name) && Number.isSafeInteger(bytes) && (bytes as number) >= 0
    );
  });
}

function toBatchInterval(updateFreq: NonNullable<TensorBoardOptions['updateFreq']>): number {
  if (updateFreq === 'epoch') return Number.POSITIVE_INFINITY;
  if (updateFreq === 'batch') return 1;
  checks.integer('tensorBoard.updateFreq', updateFreq, {
    min: 1,
    noun: '"epoch", "batch" or an integer',
    advice: 'Omit it to write losses and metrics only at the end of each epoch.',
  });
  return updateFreq;
}

/** Returns unused names for new event files. */
async function createEventFiles(store: Store, folder: string, now: number): Promise<EventFiles> {
  const seconds = String(Math.floor(now / 1000)).padStart(10, '0'); // TensorBoard reads files sorted by name
  const top = toPrefix(folder);
  const file = async (run: RunName) => {
    const start = `${top}${run}/events.out.tfevents.${seconds}.tfjs-multitask.`;
    return { name: `${start}${(await store.list(start)).length}.v2`, bytes: 0 };
  };
  return { train: await file('train'), validation: await file('validation') };
}

/** Removes events that were written after the checkpoint from the event files, so that a resumed run does not repeat them. */
async function truncateFiles(store: Store, files: EventFiles): Promise<void> {
  for (const file of Object.values(files)) {
    const written = file.bytes > 0 ? await readStoreFile(store, file.name) : undefined;
    if (!written || written.length < file.bytes) {
      file.bytes = 0; // The file was created after the checkpoint, or is shorter than it was at the checkpoint: start it again.
      await store.remove(file.name);
    } else if (written.length > file.bytes) {
      await store.write(file.name, written.slice(0, file.bytes));
    }
  }
}

/** Converts the columns of a history row that belong to a TensorBoard run to scalars with the tags of Keras, for example `epoch_loss`. */
function toScalars(row: HistoryRow, run: RunName): ScalarSummary[] {
  return Object.entries(row).flatMap(([column, value]) => {
    if (column === 'epoch' || typeof value !== 'number') return [];
    const runOfColumn: RunName = getColumnPrefix(column) === '' ? 'train' : 'validation';
    return runOfColumn === run ? [{ tag: `epoch_${column.replace(/^val_/, '')}`, value }] : [];
  });
}

/**
 * Converts the validation columns of a history row to scalars with tags like `evaluation_loss_vs_iterations`, as in Keras. Unaugmented
 * validation has no such scalars.
 */
function toEvaluationScalars(row: HistoryRow): ScalarSummary[] {
  return Object.entries(row).flatMap(([column, value]) =>
    getColumnPrefix(column) === 'val_' && typeof value === 'number'
      ? [{ tag: `evaluation_${column.slice('val_'.length)}_vs_iterations`, value }]
      : [],
  );
}
