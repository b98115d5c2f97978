import { getOwnValue } from '../lookup.js';
import type { Store } from '../platform/platform.js';
import { readStoreFile } from '../platform/readStoreFile.js';
import { type BestEpoch, findBestEpoch, type HistoryRow } from './history.js';
import type { RunRecord } from './runRecord.js';

/** Name of the file of a saved model that contains its network, its tasks and its {@link CheckpointEpoch}. */
export const MODEL_FILE = 'model.json';

/**
 * The epoch in which a model was saved. `bestCheckpoint` stores this record in the metadata of `model.json`, so that the record always
 * describes the model in that file.
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
 * Reads the epoch of the model that is saved in a folder. Returns undefined if the folder contains no model, if the model was saved without
 * an epoch, or if the saved value differs from the value in `rows`, because the model may then belong to another run.
 */
export async function readCheckpointEpoch(
  store: Store,
  folder: string,
  rows: readonly HistoryRow[],
): Promise<CheckpointEpoch | undefined> {
  const checkpointEpoch = await readStoredEpoch(store, folder);
  const { monitor, epoch, value } = checkpointEpoch ?? {};
  if (typeof monitor !== 'string') return undefined;
  const row = rows.find((entry) => entry.epoch === epoch);
  const valueInRow = row && getOwnValue(row as unknown as { readonly [column: string]: number }, monitor);
  return valueInRow !== undefined && Object.is(valueInRow, value ?? Number.NaN)
    ? (checkpointEpoch as CheckpointEpoch)
    : undefined;
}

/** Returns whether a folder contains the model of another run than that of `rows`. A model that was saved without an epoch counts as a match. */
export async function isModelOfOtherRun(
  store: Store,
  folder: string,
  rows: readonly HistoryRow[],
): Promise<boolean> {
  if ((await readStoredEpoch(store, folder)) === undefined) return false;
  return (await readCheckpointEpoch(store, folder, rows)) === undefined;
}

/** Reads the epoch in the metadata of a saved model without checking it. Returns undefined if there is none, or the file is damaged. */
export async function readStoredEpoch(
  store: Store,
  folder: string,
): Promise<Partial<CheckpointEpoch> | undefined> {
  const bytes = await readStoreFile(store, folder === '' ? MODEL_FILE : `${folder}/${MODEL_FILE}`);
  try {
    return JSON.parse(new TextDecoder().decode(bytes)).userDefinedMetadata.checkpointEpoch ?? undefined;
  } catch {
    return undefined; // The file is missing or damaged.
  }
}

/**
 * Returns the epoch that a report describes: the epoch of the saved model if that epoch is known, otherwise the best epoch according to the
 * monitored column.
 */
export function getReportedEpoch(
  run: Pick<RunRecord, 'tasks' | 'rows' | 'monitor' | 'checkpointEpoch'>,
): BestEpoch | undefined {
  const { rows, monitor, checkpointEpoch: epoch } = run;
  const row = rows.find((candidate) => candidate.epoch === epoch);
  return row ? { epoch: row.epoch, monitor, value: row[monitor] ?? Number.NaN } : findBestEpoch(run, monitor);
}

/**
 * Returns whether the reported epoch is also the best epoch according to {@link findBestEpoch}. The two epochs differ if the callback that
 * saved the model used a different `mode` (`min` or `max`).
 */
export const isReportedEpochBest = (
  run: Pick<RunRecord, 'tasks' | 'rows' | 'monitor' | 'checkpointEpoch'>,
): boolean => getReportedEpoch(run)?.epoch === findBestEpoch(run, run.monitor)?.epoch;

/** Returns why a report describes its epoch, as a clause that follows the number of the epoch and precedes the monitored column. */
export function explainReportedEpoch(
  run: Pick<RunRecord, 'tasks' | 'rows' | 'monitor' | 'checkpointEpoch' | 'isFinalModel'>,
): string {
  if (isReportedEpochBest(run)) return 'has the best';
  return run.isFinalModel ? 'is the end of the run, with the' : 'was chosen by';
}
