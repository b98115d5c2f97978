import type { Store } from '../platform/platform.js';
import { type BestEpoch, findBestEpoch, type HistoryRow } from './history.js';
import type { RunRecord } from './runRecord.js';

/** Name of the file that `bestCheckpoint` writes next to a saved model. */
const FILE_NAME = 'best-epoch.json';

/** Contents of the file that `bestCheckpoint` writes next to a saved model: the epoch in which the model was saved. */
export interface CheckpointEpoch {
  /** Column of the history that was monitored, for example `val_loss`. */
  readonly monitor: string;
  /** Number of the epoch, counted from 1. */
  readonly epoch: number;
  /** Value of the monitored column in that epoch. Null if the value is NaN. */
  readonly value: number | null;
}

/**
 * Saves a model with `save`, and then writes the file that records its epoch. Before the model is saved, an old file is removed, so that
 * the file never describes a different model.
 */
export async function writeCheckpointEpoch(
  store: Store,
  folder: string,
  checkpointEpoch: CheckpointEpoch,
  save: () => Promise<void>,
): Promise<void> {
  await store.remove(`${folder}/${FILE_NAME}`);
  await save();
  await store.write(
    `${folder}/${FILE_NAME}`,
    new TextEncoder().encode(`${JSON.stringify(checkpointEpoch)}\n`),
  );
}

/**
 * Reads the epoch of the model that is saved in a folder. Returns undefined if the record is missing or damaged, or if its value differs
 * from the value in `rows`, because the model may then belong to another run.
 */
export async function readCheckpointEpoch(
  store: Store,
  folder: string,
  rows: readonly HistoryRow[],
): Promise<CheckpointEpoch | undefined> {
  const bytes = await store.read(`${folder}/${FILE_NAME}`);
  let content: Partial<CheckpointEpoch> | null;
  try {
    content = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // The file is missing or damaged.
  }
  const { monitor, epoch, value } = content ?? {};
  if (typeof monitor !== 'string') return undefined;
  const valueInRow = rows.find((row) => row.epoch === epoch)?.[monitor];
  return valueInRow !== undefined && Object.is(valueInRow, value ?? Number.NaN)
    ? (content as CheckpointEpoch)
    : undefined;
}

/**
 * Returns the epoch that a report describes: the epoch of the saved model if that epoch is known, otherwise the best epoch according to the
 * monitored column.
 */
export function getReportedEpoch(
  run: Pick<RunRecord, 'tasks' | 'rows' | 'monitor' | 'checkpointEpoch'>,
): BestEpoch | undefined {
  const { rows, monitor, checkpointEpoch: epoch } = run;
  const value = rows.find((row) => row.epoch === epoch)?.[monitor];
  return epoch !== undefined && value !== undefined ? { epoch, monitor, value } : findBestEpoch(run, monitor);
}

/**
 * Returns whether the reported epoch is also the best epoch according to {@link findBestEpoch}. The two epochs differ if the callback that
 * saved the model used a different `mode` (`min` or `max`).
 */
export const isReportedEpochBest = (
  run: Pick<RunRecord, 'tasks' | 'rows' | 'monitor' | 'checkpointEpoch'>,
): boolean => getReportedEpoch(run)?.epoch === findBestEpoch(run, run.monitor)?.epoch;
