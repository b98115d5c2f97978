import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { Store } from '../core/platform/platform.js';
import { toFolderName } from '../core/platform/storeNames.js';
import { MODEL_FILE, readStoredEpoch } from '../core/records/checkpointEpoch.js';
import type { HistoryRow } from '../core/records/history.js';
import type { StatefulCallback } from '../training/callback.js';
import { isImprovement } from '../training/monitor.js';
import { isNumberOrNull } from '../training/runState.js';
import { checkCallbackStore } from './checkCallbackStore.js';
import { checkMonitorOptions, getMonitorValue, type MonitorOptions, resolveMode } from './monitorOptions.js';
import { readCallbackState } from './readCallbackState.js';

/**
 * Options for {@link bestCheckpoint}.
 *
 * @category Callbacks
 */
export interface BestCheckpointOptions<Monitor extends string> extends MonitorOptions<Monitor> {
  /**
   * Name of the folder in the store, or a template for it. A template contains history columns in braces, with Python format specifiers.
   * For example, `{epoch:02d}-{val_loss:.3f}` creates a new folder for each saved epoch. Default `best`: one folder, which is overwritten.
   * The name is relative to the store, and `./best/` is the same folder as `best`.
   */
  readonly folder?: string;
  /** Number of saved models to keep if `folder` is a template. Older models are deleted. Default: all models are kept, as in Keras. */
  readonly maxToKeep?: number;
}

const BEST_CHECKPOINT_ADVICE = {
  replacements: {
    saveBestOnly:
      'Remove this option: only the best epochs are saved. To save the state of every epoch, pass checkpoint to fit().',
    saveWeightsOnly: 'Remove this option: whole models are saved.',
  },
};

interface SavedModel {
  readonly folder: string;
  readonly value: number | null;
}

const isSavedModel = (model: { readonly [K in keyof SavedModel]?: unknown } | null) =>
  typeof model?.folder === 'string' && isNumberOrNull(model.value);

/**
 * Creates a callback that saves the model after every epoch in which the monitored column reaches its best value so far. The rules match
 * Keras 3 `ModelCheckpoint` with `save_best_only` (callbacks/model_checkpoint.py): if two epochs have equal values, the model of the first
 * one is kept. If the value of the first epoch is NaN, no later epoch counts as better.
 *
 * The folder contains the files of `model.save`, which {@link loadModel} opens, and is replaced as one unit. The metadata in `model.json`
 * also contains the epoch, the column and its value. Reports read this metadata to find the epoch of the model.
 *
 * @typeParam Monitor - Name of the history column that the callback monitors.
 * @param store - Store that the models are written to.
 * @returns A callback for the `callbacks` option of `fit`. `fit` rejects before the first step if the store is not writable or contains
 *   the model of an earlier run that it may not replace, and with an
 *   `argument` error after the first epoch if the template contains an unknown column.
 * @throws `argument` error for `maxToKeep` without a template.
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
): StatefulCallback<Monitor> {
  checks.options(
    'bestCheckpoint',
    options,
    { monitor: true, mode: true, folder: true, maxToKeep: true },
    BEST_CHECKPOINT_ADVICE,
  );
  checkCallbackStore('bestCheckpoint', store);
  checkMonitorOptions('bestCheckpoint', options);
  const { monitor = 'val_loss' as Monitor, maxToKeep } = options;
  const name = toFolderName('bestCheckpoint.folder', options.folder ?? 'best', {
    advice: "Omit it to use the default, 'best'.",
  });
  if (maxToKeep !== undefined) {
    checks.integer('bestCheckpoint.maxToKeep', maxToKeep, {
      min: 1,
      advice: 'Omit it to keep all saved models.',
    });
    if (!name.includes('{')) {
      throw createError({
        kind: 'argument',
        path: 'bestCheckpoint.folder',
        expected: 'a template, such as "{epoch:02d}-{val_loss:.3f}", because maxToKeep is set',
        received: formatValue(name),
        advice: 'Set folder to a template that creates one folder per model, or omit maxToKeep.',
      });
    }
  }
  const files = createModelFilePattern(name);
  return {
    name: 'bestCheckpoint',
    monitor,
    ...(options.mode && { mode: options.mode }),
    outputs: [
      {
        store,
        name: name === '' ? MODEL_FILE : name.replace(TEMPLATE_COLUMN, '_'),
        files,
        wasWrittenByRun: (file) => wasSavedByCallback(store, name, files, file),
      },
    ],
    create: (run, saved) => {
      const mode = resolveMode(run, monitor, options.mode);
      let models = readCallbackState<readonly SavedModel[]>(
        'bestCheckpoint',
        saved,
        [],
        (values) => Array.isArray(values) && values.every(isSavedModel),
      );
      return {
        onEpochEnd: async ({ row }) => {
          const value = getMonitorValue(row, monitor);
          const best = models.at(-1);
          if (best && !isImprovement(mode, value, best.value ?? Number.NaN, 0)) return;
          const folder = formatFolderName(name, row);
          const note = { monitor, epoch: row.epoch, value: Number.isNaN(value) ? null : value };
          await run.save(store, folder, note);
          const all = [...models.filter((model) => model.folder !== folder), { folder, value: note.value }];
          models = maxToKeep === undefined ? all : all.slice(-maxToKeep);
          for (const { folder: old } of all.slice(0, all.length - models.length)) {
            const modelFiles = (await store.list(`${old}/`)).filter((file) => files.test(file));
            // Without model.json, a folder contains no model. A reader must not find a model whose other files are already removed.
            await store.remove(`${old}/${MODEL_FILE}`);
            for (const file of modelFiles) await store.remove(file);
          }
        },
        getState: () => ({ values: models.map((model) => ({ ...model })) }),
      };
    },
  };
}

/** A history column in a template: `{epoch:02d}`. */
const TEMPLATE_COLUMN = /\{(\w+)(?::(?:0?(\d+)d|\.(\d+)f))?\}/g;

/** Pattern of a number that is written without a format specifier. */
const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:e[+-]\d+)?|NaN|-?Infinity`;

/**
 * Returns a pattern for the files that {@link bestCheckpoint} writes, in all folders whose name fits the columns and format specifiers of a
 * template. The pattern has one group for each column.
 */
function createModelFilePattern(template: string): RegExp {
  let folder = '';
  let end = 0;
  for (const match of template.matchAll(TEMPLATE_COLUMN)) {
    const [text, column, width, digits] = match;
    folder += `${escapePattern(template.slice(end, match.index))}(${getColumnPattern(column!, width, digits)})`;
    end = match.index + text.length;
  }
  folder += escapePattern(template.slice(end));
  return new RegExp(
    String.raw`^${folder === '' ? '' : `${folder}/`}(?:model\.json|weights\.[0-9a-f]{16}\.bin)$`,
  );
}

const escapePattern = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Returns a pattern for the texts that {@link formatColumn} returns for a column. */
function getColumnPattern(column: string, width?: string, digits?: string): string {
  if (digits !== undefined) {
    const decimals = Number(digits) > 0 ? String.raw`\.\d{${Number(digits)}}` : '';
    return String.raw`-?\d+${decimals}|-?\d(?:\.\d+)?e\+\d+|nan|-?inf`;
  }
  if (column === 'epoch') return String.raw`\d{${Math.max(1, Number(width ?? 0))},}`;
  return width === undefined ? NUMBER : `0*(?:${NUMBER})`;
}

/**
 * Returns whether {@link bestCheckpoint} saved the model that `file` belongs to: its metadata contains the epoch and the value of the
 * monitored column, and the name of the folder contains the same epoch and value. A model that the user saved has no such metadata.
 */
async function wasSavedByCallback(
  store: Store,
  template: string,
  pattern: RegExp,
  file: string,
): Promise<boolean> {
  const match = file.match(pattern);
  if (!match) return false;
  const { monitor, epoch, value } =
    (await readStoredEpoch(store, file.slice(0, Math.max(0, file.lastIndexOf('/'))))) ?? {};
  if (typeof monitor !== 'string' || typeof epoch !== 'number') return false;
  if (value !== null && typeof value !== 'number') return false;
  const values: { readonly [column: string]: number } = {
    [monitor]: value ?? Number.NaN,
    epoch,
  };
  return [...template.matchAll(TEMPLATE_COLUMN)].every(
    ([, column, width, digits], i) =>
      !Object.hasOwn(values, column!) || formatColumn(values[column!]!, width, digits) === match[i + 1],
  );
}

/** Formats the value of a history column for the name of a folder. */
function formatColumn(value: number, width?: string, digits?: string): string {
  if (digits !== undefined) return formatFixed(value, Number(digits));
  return String(value).padStart(Number(width ?? 0), '0');
}

/**
 * Replaces the history columns in a template with their values in `row`. Supports the Python format specifiers `{epoch:02d}` and
 * `{val_loss:.3f}` with any number of digits.
 */
function formatFolderName(template: string, row: HistoryRow): string {
  return template.replace(TEMPLATE_COLUMN, (_, column: string, width?: string, digits?: string) => {
    const value = row[column];
    if (value === undefined) {
      throw createError({
        kind: 'argument',
        path: 'bestCheckpoint.folder',
        expected: `a column of the history (${Object.keys(row).join(', ')})`,
        received: `"{${column}}"`,
        advice: didYouMean(column, Object.keys(row)) ?? 'Write one of these columns between the braces.',
      });
    }
    return formatColumn(value, width, digits);
  });
}

/** Formats a number with `digits` decimals like Python: ties are rounded to the even digit, and NaN and infinity become `nan` and `inf`. */
function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value).replace('NaN', 'nan').replace('Infinity', 'inf');
  const doubled = value * 2 ** (digits + 1);
  const isTie = Number.isInteger(doubled) && doubled % 2 !== 0;
  const roundedDown = Math.floor(Math.abs(value) * 10 ** digits);
  const isEven = roundedDown % 2 === 0;
  return (isTie && isEven ? (Math.sign(value) * roundedDown) / 10 ** digits : value).toFixed(digits);
}
