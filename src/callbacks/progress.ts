import type { Callback } from '../training/callback.js';

/** Where {@link progress} writes. `process.stdout` is one. */
export interface ProgressOutput {
  write(text: string): unknown;
  /** Whether a line can be written over. Default false: one plain line an epoch. */
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * Shows where a run stands: on a terminal one line with step, time left and running means, written over after every step;
 * elsewhere one plain line an epoch.
 *
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
    begin: (run) => {
      const places = String(run.epochs).length;
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
          const line = `epoch ${epoch}/${run.epochs} step ${step}/${steps}${left} ${listed(logs)}`;
          output.write(`\r\u001B[K${line.slice(0, (output.columns ?? 80) - 1)}`);
        },
        epochEnd: ({ epoch, row }) => {
          const { epoch: _, learning_rate: __, seconds = 0, ...values } = row;
          const clear = output.isTTY === true ? '\r\u001B[K' : '';
          const place = String(epoch).padStart(places);
          output.write(`${clear}epoch ${place}/${run.epochs} ${clock(seconds)} ${listed(values)}\n`);
        },
      };
    },
  };
}

function listed(values: { readonly [column: string]: number }): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${Math.abs(value) < 100 ? value.toFixed(3) : value.toFixed(1)}`)
    .join('  ');
}

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}
