import * as checks from '../core/errors/checks.js';
import { escapeText } from '../core/errors/escapeText.js';
import { findBestEpoch, type HistoryRow } from '../core/records/history.js';
import { formatEngineChoice, isEngineLogged } from '../engines/engineChoice.js';
import type { StatefulCallback } from '../training/callback.js';

/**
 * Output stream of {@link progressBar}, for example `process.stdout`.
 *
 * @category Callbacks
 */
export interface ProgressOutput {
  /** Writes text without changing it. The text already contains all line breaks. */
  write(text: string): unknown;
  /**
   * True if the output is a terminal, where a line can be overwritten. Default false: there is no bar, and only a table is written after
   * each epoch.
   */
  readonly isTTY?: boolean;
  /** Width of the terminal in characters. Default 80. */
  readonly columns?: number;
}

/** Rows of the table that is written after each epoch. Each entry contains the prefix of the row's history columns and the row's label. */
const ROW_LABELS = [
  ['', 'training'],
  ['val_', 'validation'],
  ['val_unaugmented_', 'not augmented'],
] as const;

const BAR_WIDTH = 16;

/**
 * Creates a callback that shows the progress of a run. On a terminal, the callback updates a line after every step: a bar, the number of
 * the step, the remaining time, and the mean losses and metrics so far. After every epoch, it writes a table with the results of the epoch
 * and names the best epoch so far, by the column that `bestCheckpoint` or else `earlyStopping` monitors, otherwise by `val_loss` or `loss`.
 * At the start of a run, it writes the name of the engine and the reason for the choice, unless the `log` option of `fit` has already
 * received them.
 *
 * @param output - Any object with a `write` method. Default: `process.stdout` in Node, the console in a page.
 * @returns A callback for the `callbacks` option of `fit`.
 * @example
 * ```ts
 * import { progressBar } from 'tfjs-multitask';
 *
 * console.log(progressBar().name); // progressBar
 * ```
 * @category Callbacks
 */
export function progressBar(output: ProgressOutput = getDefaultOutput()): StatefulCallback {
  checks.noOptions('progressBar', arguments[1]);
  checks.callable('progressBar.output.write', (output as ProgressOutput | null)?.write, {
    noun: 'an output with a method write(text)',
    advice: 'Omit the output to write to the terminal, or pass { write: (text) => ... }.',
  });
  return {
    name: 'progressBar',
    create: (run) => {
      let startTime = 0;
      let first = 1;
      if (!isEngineLogged(run.engine)) output.write(`${formatEngineChoice(run.engine).join('\n')}\n`);
      return {
        onEpochBegin: () => {
          startTime = 0;
        },
        onBatchEnd: ({ epoch, batch, batches, logs }) => {
          if (output.isTTY !== true) return;
          if (startTime === 0) {
            startTime = performance.now();
            first = batch;
          }
          const each = (performance.now() - startTime) / Math.max(1, batch - first);
          const remaining = batch > first ? ` ${formatDuration(((batches - batch) * each) / 1000)} left` : '';
          const filled = Math.round((BAR_WIDTH * batch) / batches);
          const bar = `${'━'.repeat(filled)}${'╌'.repeat(BAR_WIDTH - filled)}`;
          const values = Object.entries(logs).map(
            ([name, value]) => `${escapeText(name)} ${formatNumber(value)}`,
          );
          const line = `epoch ${epoch}/${run.epochs} ${bar} ${batch}/${batches}${remaining}  ${values.join('  ')}`;
          output.write(`\r\u001B[K${line.slice(0, (output.columns ?? 80) - 1)}`);
        },
        onEpochEnd: ({ epoch, row }) => {
          const { column, mode } = run.monitor;
          const best = findBestEpoch({ tasks: [], rows: run.history }, column, mode);
          const clear = output.isTTY === true ? '\r\u001B[K' : '';
          const title = `epoch ${epoch}/${run.epochs}, ${formatDuration(row.seconds ?? 0)}`;
          const bestText = best
            ? `; best so far: epoch ${best.epoch}, ${column} ${formatNumber(best.value)}`
            : '';
          output.write(`${clear}${title}${bestText}\n${formatTable(row)}\n`);
        },
      };
    },
  };
}

/** Returns the default output: standard output in Node, the console in a page. */
function getDefaultOutput(): ProgressOutput {
  const { process } = globalThis as { process?: { readonly stdout?: ProgressOutput } };
  return process?.stdout ?? { write: (text) => console.log(text.trimEnd()) };
}

/** Formats the losses and metrics of an epoch as a text table, with one row each for training, validation and unaugmented validation. */
function formatTable(row: HistoryRow): string {
  const columns = Object.keys(row).filter((name) => !/^val_|^(epoch|seconds|learning_rate)$/.test(name));
  const width = (name: string) => Math.max(escapeText(name).length, 7) + 2;
  const lines = ROW_LABELS.filter(([prefix]) => row[`${prefix}loss`] !== undefined).map(
    ([prefix, name]) =>
      `  ${name.padEnd(13)}${columns
        .map((column) => formatNumber(row[`${prefix}${column}`] ?? Number.NaN).padStart(width(column)))
        .join('')}`,
  );
  return [
    `${' '.repeat(15)}${columns.map((name) => escapeText(name).padStart(width(name))).join('')}`,
    ...lines,
  ].join('\n');
}

/** Formats a number with four decimals. Numbers of at least 10 get fewer decimals. */
const formatNumber = (value: number) => {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 4 : size < 100 ? 2 : 1);
};

function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}
