import type { Store } from '../platform/platform.js';
import { type BestEpoch, findBestEpoch, type HistoryRow } from './history.js';
import type { RunRecord } from './runRecord.js';

/** Beside a model that `bestCheckpoint` kept: which epoch's it is, and by what. */
const FILE_NAME = 'kept.json';

/** What the note says. */
export interface CheckpointEpoch {
  /** The column that was watched. */
  readonly monitor: string;
  /** Counts from 1. */
  readonly epoch: number;
  /** The column's value there; null for NaN. */
  readonly value: number | null;
}

/** Writes the note beside a model that `save` writes; without the model it is never there, and never one of an older model. */
export async function writeCheckpointEpoch(
  store: Store,
  folder: string,
  kept: CheckpointEpoch,
  save: () => Promise<void>,
): Promise<void> {
  await store.remove(`${folder}/${FILE_NAME}`);
  await save();
  await store.write(`${folder}/${FILE_NAME}`, new TextEncoder().encode(`${JSON.stringify(kept)}\n`));
}

/** The note of a folder, where it is one and of these rows: a folder may hold the model of another run. */
export async function readCheckpointEpoch(
  store: Store,
  folder: string,
  rows: readonly HistoryRow[],
): Promise<CheckpointEpoch | undefined> {
  const bytes = await store.read(`${folder}/${FILE_NAME}`);
  let said: Partial<CheckpointEpoch> | null;
  try {
    said = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // none, or cut
  }
  const { monitor, epoch, value } = said ?? {};
  if (typeof monitor !== 'string') return undefined;
  const found = rows.find((row) => row.epoch === epoch)?.[monitor];
  return found !== undefined && Object.is(found, value ?? Number.NaN) ? (said as CheckpointEpoch) : undefined;
}

/** The epoch that a report tells of: the one that was kept where that is known, else the best of the monitor. */
export function getReportedEpoch(
  run: Pick<RunRecord, 'tasks' | 'rows' | 'monitor' | 'keptEpoch'>,
): BestEpoch | undefined {
  const { rows, monitor, keptEpoch: epoch } = run;
  const value = rows.find((row) => row.epoch === epoch)?.[monitor];
  return epoch !== undefined && value !== undefined ? { epoch, monitor, value } : findBestEpoch(run, monitor);
}

/** Whether that epoch is the best by the report's own rule; a `mode` of the user's may say otherwise. */
export const isReportedEpochBest = (
  run: Pick<RunRecord, 'tasks' | 'rows' | 'monitor' | 'keptEpoch'>,
): boolean => getReportedEpoch(run)?.epoch === findBestEpoch(run, run.monitor)?.epoch;
