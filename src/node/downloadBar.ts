import type { ProgressOutput } from '../callbacks/progress.js';
import type { DownloadProgress } from '../io/download.js';

const BAR = 16;

/**
 * Shows a download: on a terminal one line with a bar, written over; elsewhere one line at its beginning.
 *
 * @param output - `process.stdout`, or anything with `write`.
 */
export function downloadBar(output: ProgressOutput, name: string): DownloadProgress {
  let shown = '';
  return (bytes, total) => {
    const of = total === undefined ? '' : ` of ${megabytes(total)}`;
    if (output.isTTY !== true) {
      if (shown === '')
        output.write(`${name}: downloading${total === undefined ? '' : ` ${megabytes(total)}`}\n`);
      shown = name;
      return;
    }
    const full = total ? Math.min(BAR, Math.floor((BAR * bytes) / total)) : 0;
    const bar = `${'━'.repeat(full)}${'╌'.repeat(BAR - full)}`;
    const line = `${name} ${bar} ${megabytes(bytes)}${of}`.slice(0, (output.columns ?? 80) - 1);
    if (line !== shown) output.write(`\r\u001B[K${line}${bytes === total ? '\n' : ''}`);
    shown = line;
  };
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
