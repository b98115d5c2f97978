import { getOwnValue } from '../lookup.js';
import type { Store } from '../platform/platform.js';
import { readStoreFile } from '../platform/readStoreFile.js';
import { type BestEpoch, findBestEpoch, type HistoryRow } from './history.js';
import type { RunRecord } from './runRecord.js';

/** Name of the file of a saved model that contains its network, its tasks and its {@link CheckpointEpoch}. */
export const MODEL_FILE = 'model.json';

/**
 * The epoch in which a model was saved. `bestCheckpoint` stores it in the metadata of `model.json`, so that it always describes that model.
 *
 * @category Callbacks
 */
export interface CheckpointEpoch {
  /** Column of the history that was monitored, for example `val_loss`. */
  readonly monitor: string;
  /** Number of the epoch, counted from 1. */
  readonly epoch: number;
  /** Value of the monitored column in that epoch. Null if the value is NaN. */
  readonly value: number | null;
}

/**
 * Reads the epoch of the model that is saved in a folder. Returns undefined if there is no model, if it was saved without an epoch, or if
 * the value differs from the value in `rows`, because the model may then belong to another run.
 */
export async function readCheckpointEpoch(
  store: Store,
  folder: string,
  rows: readonly HistoryRow[],
): Promise<CheckpointEpoch | undefined> {
  const bytes = await readStoreFile(store, `${folder}/${MODEL_FILE}`);
  let content: Partial<CheckpointEpoch> | null | undefined;
  try {
    content = JSON.parse(new TextDecoder().decode(bytes)).userDefinedMetadata.checkpointEpoch;
  } catch {
    return undefined; // The file is missing or damaged.
  }
  const { monitor, epoch, value } = content ?? {};
  if (typeof monitor !== 'string') return undefined;
  const row = rows.find((entry) => entry.epoch === epoch);
  const valueInRow = row && getOwnValue(row as unknown as { readonly [column: string]: number }, monitor);
  return valueInRow !== undefined && Object.is(valueInRow, value ?? Number.NaN)
    ? (content as CheckpointEpoch)
    : undefined;
}

/**
 * Returns the epoch that a report describes: the epoch of the saved model if it is known, otherwise the best epoch according to the
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
 * Returns whether the reported epoch is also the best epoch according to {@link findBestEpoch}. They differ if the callback that saved the
 * model used a different `mode` (`min` or `max`).
 */
export const isReportedEpochBest = (
  run: Pick<RunRecord, 'tasks' | 'rows' | 'monitor' | 'checkpointEpoch'>,
): boolean => getReportedEpoch(run)?.epoch === findBestEpoch(run, run.monitor)?.epoch;
