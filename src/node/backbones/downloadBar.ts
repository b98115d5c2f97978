import type { DownloadProgress } from '../../backbones/fetchFile.js';
import type { ProgressOutput } from '../../callbacks/progressBar.js';

const BAR_WIDTH = 16;

/**
 * Shows a download: on a terminal one line with a bar, written over; elsewhere one line at its beginning.
 *
 * @param output - `process.stdout`, or anything with `write`.
 */
export function downloadBar(output: ProgressOutput, name: string): DownloadProgress {
  let shown = '';
  return (bytes, total) => {
    const of = total === undefined ? '' : ` of ${formatMegabytes(total)}`;
    if (output.isTTY !== true) {
      if (shown === '')
        output.write(`${name}: downloading${total === undefined ? '' : ` ${formatMegabytes(total)}`}\n`);
      shown = name;
      return;
    }
    const full = total ? Math.min(BAR_WIDTH, Math.floor((BAR_WIDTH * bytes) / total)) : 0;
    const bar = `${'━'.repeat(full)}${'╌'.repeat(BAR_WIDTH - full)}`;
    const line = `${name} ${bar} ${formatMegabytes(bytes)}${of}`.slice(0, (output.columns ?? 80) - 1);
    if (line !== shown) output.write(`\r\u001B[K${line}${bytes === total ? '\n' : ''}`);
    shown = line;
  };
}

const formatMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
