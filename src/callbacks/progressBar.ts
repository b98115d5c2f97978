import { findBestEpoch, type HistoryRow } from '../core/records/history.js';
import type { EngineChoice } from '../engines/engineChoice.js';
import type { Callback } from '../training/callback.js';

/**
 * Where {@link progressBar} writes. `process.stdout` is one.
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
const ROW_LABELS = [
  ['', 'training'],
  ['val_', 'validation'],
  ['clean_', 'not augmented'],
] as const;

const BAR_WIDTH = 16;

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
export function progressBar(output: ProgressOutput): Callback {
  return {
    name: 'progress',
    create: (run, saved) => {
      const rows = [...((saved?.values as HistoryRow[] | undefined) ?? [])];
      let began = 0;
      let first = 1;
      output.write(formatEngine(run.engine));
      return {
        onEpochBegin: () => {
          began = 0;
        },
        onBatchEnd: ({ epoch, batch, batches, logs }) => {
          if (output.isTTY !== true) return;
          if (began === 0) {
            began = performance.now();
            first = batch;
          }
          const each = (performance.now() - began) / Math.max(1, batch - first);
          const left = batch > first ? ` ${formatDuration(((batches - batch) * each) / 1000)} left` : '';
          const full = Math.round((BAR_WIDTH * batch) / batches);
          const bar = `${'━'.repeat(full)}${'╌'.repeat(BAR_WIDTH - full)}`;
          const values = Object.entries(logs).map(([name, value]) => `${name} ${formatNumber(value)}`);
          const line = `epoch ${epoch}/${run.epochs} ${bar} ${batch}/${batches}${left}  ${values.join('  ')}`;
          output.write(`\r\u001B[K${line.slice(0, (output.columns ?? 80) - 1)}`);
        },
        onEpochEnd: ({ epoch, row }) => {
          const monitor = row.val_loss === undefined ? 'loss' : 'val_loss';
          rows.push({ epoch, [monitor]: row[monitor]! });
          const best = findBestEpoch({ tasks: [], rows }, monitor);
          const clear = output.isTTY === true ? '\r\u001B[K' : '';
          const title = `epoch ${epoch}/${run.epochs}, ${formatDuration(row.seconds ?? 0)}`;
          const said = best
            ? `; best so far: epoch ${best.epoch}, ${monitor} ${formatNumber(best.value)}`
            : '';
          output.write(`${clear}${title}${said}\n${formatTable(row)}\n`);
        },
        getState: () => ({ values: rows.map((row) => ({ ...row })) }),
      };
    },
  };
}

/** The engine and the reason; a second line with the install command when `wasm` was chosen because ONNX Runtime is not installed. */
function formatEngine({ name, reason, fasterEngine }: EngineChoice): string {
  const hint =
    name === 'wasm' && fasterEngine?.name === 'onnx' ? `for more speed: ${fasterEngine.install}\n` : '';
  return `engine ${name}: ${reason}\n${hint}`;
}

/** Losses and metrics of an epoch, a line for each kind of judging, columns under each other. */
function formatTable(row: HistoryRow): string {
  const columns = Object.keys(row).filter(
    (name) => !/^(val_|clean_)|^(epoch|seconds|learning_rate)$/.test(name),
  );
  const width = (name: string) => Math.max(name.length, 7) + 2;
  const lines = ROW_LABELS.filter(([prefix]) => row[`${prefix}loss`] !== undefined).map(
    ([prefix, name]) =>
      `  ${name.padEnd(13)}${columns
        .map((column) => formatNumber(row[`${prefix}${column}`] ?? Number.NaN).padStart(width(column)))
        .join('')}`,
  );
  return [`${' '.repeat(15)}${columns.map((name) => name.padStart(width(name))).join('')}`, ...lines].join(
    '\n',
  );
}

/** Four digits that count. */
const formatNumber = (value: number) => {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 4 : size < 100 ? 2 : 1);
};

function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}
