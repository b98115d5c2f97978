import { bestEpoch, type HistoryRow } from '../core/history.js';
import type { Callback } from '../training/callback.js';

/**
 * Where {@link progress} writes. `process.stdout` is one.
 *
 * @category Callbacks
 */
export interface ProgressOutput {
  /** Takes text as it is; line ends are in it. */
  write(text: string): unknown;
  /** Whether a line can be written over. Default false: only the lines at the end of an epoch. */
  readonly isTTY?: boolean;
  /** Width of the terminal in characters. Default 80. */
  readonly columns?: number;
}

/** Rows of an epoch's block: the prefix of the columns, and its name for readers. */
const ROWS = [
  ['', 'training'],
  ['val_', 'validation'],
  ['clean_', 'not augmented'],
] as const;

const BAR = 16;

/**
 * Shows where a run stands: on a terminal one line with a bar, the step, the time left and the running means, written over
 * after every step; everywhere a block at the end of an epoch, its columns under each other, with the best epoch so far.
 *
 * @param output - `process.stdout`, or anything with `write`.
 * @example
 * ```ts
 * import { progress } from 'tfjs-multitask';
 *
 * console.log(progress(process.stdout).name); // progress
 * ```
 * @category Callbacks
 */
export function progress(output: ProgressOutput): Callback {
  return {
    name: 'progress',
    begin: (run, saved) => {
      const rows = [...((saved?.values as HistoryRow[] | undefined) ?? [])];
      let began = 0;
      let first = 1;
      return {
        epochBegin: () => {
          began = 0;
        },
        step: ({ epoch, step, steps, logs }) => {
          if (output.isTTY !== true) return;
          if (began === 0) {
            began = performance.now();
            first = step;
          }
          const each = (performance.now() - began) / Math.max(1, step - first);
          const left = step > first ? ` ${clock(((steps - step) * each) / 1000)} left` : '';
          const full = Math.round((BAR * step) / steps);
          const bar = `${'━'.repeat(full)}${'╌'.repeat(BAR - full)}`;
          const values = Object.entries(logs).map(([name, value]) => `${name} ${short(value)}`);
          const line = `epoch ${epoch}/${run.epochs} ${bar} ${step}/${steps}${left}  ${values.join('  ')}`;
          output.write(`\r\u001B[K${line.slice(0, (output.columns ?? 80) - 1)}`);
        },
        epochEnd: ({ epoch, row }) => {
          const monitor = row.val_loss === undefined ? 'loss' : 'val_loss';
          rows.push({ epoch, [monitor]: row[monitor]! });
          const best = bestEpoch({ tasks: [], rows }, monitor);
          const clear = output.isTTY === true ? '\r\u001B[K' : '';
          const title = `epoch ${epoch}/${run.epochs}, ${clock(row.seconds ?? 0)}`;
          const said = best ? `; best so far: epoch ${best.epoch}, ${monitor} ${short(best.value)}` : '';
          output.write(`${clear}${title}${said}\n${table(row)}\n`);
        },
        state: () => ({ values: rows.map((row) => ({ ...row })) }),
      };
    },
  };
}

/** Losses and metrics of an epoch, a line for each kind of judging, columns under each other. */
function table(row: HistoryRow): string {
  const columns = Object.keys(row).filter(
    (name) => !/^(val_|clean_)|^(epoch|seconds|learning_rate)$/.test(name),
  );
  const width = (name: string) => Math.max(name.length, 7) + 2;
  const lines = ROWS.filter(([prefix]) => row[`${prefix}loss`] !== undefined).map(
    ([prefix, name]) =>
      `  ${name.padEnd(13)}${columns
        .map((column) => short(row[`${prefix}${column}`] ?? Number.NaN).padStart(width(column)))
        .join('')}`,
  );
  return [`${' '.repeat(15)}${columns.map((name) => name.padStart(width(name))).join('')}`, ...lines].join(
    '\n',
  );
}

/** Four digits that count. */
const short = (value: number) => {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 4 : size < 100 ? 2 : 1);
};

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}
