import { createError, didYouMean } from '../core/errors/errors.js';
import type { Store } from '../core/platform/platform.js';
import { writeCheckpointEpoch } from '../core/records/checkpointEpoch.js';
import type { HistoryRow } from '../core/records/history.js';
import type { Callback } from '../training/callback.js';
import { isImprovement } from '../training/monitor.js';
import { checkWritable } from './checkWritable.js';
import { checkEpochCount, getMonitorValue, type MonitorOptions, resolveMode } from './monitorOptions.js';

/**
 * Options of {@link bestCheckpoint}.
 *
 * @category Callbacks
 */
export interface BestCheckpointOptions<Monitor extends string> extends MonitorOptions<Monitor> {
  /**
   * Folder in the store. Columns stand in braces, with digits as in Python: `{epoch:02d}-{val_loss:.3f}` keeps a folder
   * for each best epoch. Default `best`, which is written over.
   */
  readonly folder?: string;
  /** With a template, how many of the best folders stay. Default all, as Keras. */
  readonly maxToKeep?: number;
}

interface SavedModel {
  readonly folder: string;
  readonly value: number | null;
}

/**
 * Saves the model whenever a column is better than ever before: strictly, so ties keep the earlier epoch. A NaN in the
 * first epoch is never beaten, as in Keras 3 `ModelCheckpoint` with `save_best_only` (callbacks/model_checkpoint.py). `kept.json`
 * beside the model says of which epoch it is and by which column; a report tells of that epoch.
 *
 * @throws `argument` fault for `maxToKeep` without a template, or a template with an unknown column.
 * @example
 * ```ts
 * import { bestCheckpoint, memoryStore } from 'tfjs-multitask';
 *
 * const best = bestCheckpoint(memoryStore(), { monitor: 'val_age_mae' });
 * console.log(best.monitor); // val_age_mae
 * ```
 * @category Callbacks
 */
export function bestCheckpoint<const Monitor extends string = 'val_loss'>(
  store: Store,
  options: BestCheckpointOptions<Monitor> = {},
): Callback<Monitor> {
  const { monitor = 'val_loss' as Monitor, folder: name = 'best', maxToKeep } = options;
  if (maxToKeep !== undefined) {
    checkEpochCount('bestCheckpoint.maxToKeep', maxToKeep, 1);
    if (!name.includes('{')) {
      throw createError({
        kind: 'argument',
        path: 'bestCheckpoint.maxToKeep',
        expected: 'a folder name with a column in it, such as {epoch:02d}-{val_loss:.3f}',
        received: name,
        advice: 'One folder holds one model: give a template, or leave maxToKeep out.',
      });
    }
  }
  return {
    name: 'bestCheckpoint',
    monitor,
    create: async (run, saved) => {
      await checkWritable(store);
      const mode = resolveMode(run, monitor, options.mode);
      let kept: readonly SavedModel[] = (saved?.values as readonly SavedModel[] | undefined) ?? [];
      return {
        onEpochEnd: async ({ row }) => {
          const value = getMonitorValue(row, monitor);
          const best = kept.at(-1);
          if (best && !isImprovement(mode, value, best.value ?? Number.NaN, 0)) return;
          const folder = formatFolderName(name, row);
          const note = { monitor, epoch: row.epoch, value: Number.isNaN(value) ? null : value };
          await writeCheckpointEpoch(store, folder, note, () => run.save(store, folder));
          const all = [...kept.filter((one) => one.folder !== folder), { folder, value: note.value }];
          kept = maxToKeep === undefined ? all : all.slice(-maxToKeep);
          for (const { folder: old } of all.slice(0, all.length - kept.length)) {
            for (const file of await store.list(`${old}/`)) await store.remove(file);
          }
        },
        getState: () => ({ values: kept.map((one) => ({ ...one })) }),
      };
    },
  };
}

/** `{epoch:02d}` and `{val_loss:.3f}` filled in, as Python's format does for these two forms. */
function formatFolderName(template: string, row: HistoryRow): string {
  return template.replace(
    /\{(\w+)(?::(?:0?(\d+)d|\.(\d+)f))?\}/g,
    (_, column: string, width?: string, digits?: string) => {
      const value = row[column];
      if (value === undefined) {
        throw createError({
          kind: 'argument',
          path: 'bestCheckpoint.folder',
          expected: `columns of the history (${Object.keys(row).join(', ')})`,
          received: `{${column}}`,
          advice: didYouMean(column, Object.keys(row)) ?? 'Put one of these columns between the braces.',
        });
      }
      if (digits !== undefined) return formatFixed(value, Number(digits));
      return String(value).padStart(Number(width ?? 0), '0');
    },
  );
}

/** `value` with so many digits after the point, as Python: halves go to the even digit, and what is no number is in lower case. */
function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value).replace('NaN', 'nan').replace('Infinity', 'inf');
  const halves = value * 2 ** (digits + 1);
  const tie = Number.isInteger(halves) && halves % 2 !== 0;
  const below = Math.floor(Math.abs(value) * 10 ** digits);
  return (tie && below % 2 === 0 ? (Math.sign(value) * below) / 10 ** digits : value).toFixed(digits);
}
