import type { DownloadProgress } from '../../backbones/fetchFile.js';
import type { ProgressOutput } from '../../callbacks/progressBar.js';

const BAR_WIDTH = 16;

/**
 * Creates a progress callback that prints the progress of a download. On a terminal, the callback updates one line with a progress bar.
 * Elsewhere, it prints one line when the download starts.
 *
 * @param output - Stream to print to, for example `process.stdout`, or any object with a `write` method.
 * @param name - Name of the file, printed at the start of the line.
 */
export function downloadBar(output: ProgressOutput, name: string): DownloadProgress {
  let lastLine = '';
  return (bytes, total) => {
    const totalText = total === undefined ? '' : ` of ${formatMegabytes(total)}`;
    if (output.isTTY !== true) {
      if (lastLine === '')
        output.write(`${name}: downloading${total === undefined ? '' : ` ${formatMegabytes(total)}`}\n`);
      lastLine = name;
      return;
    }
    const filledWidth = total ? Math.min(BAR_WIDTH, Math.floor((BAR_WIDTH * bytes) / total)) : 0;
    const bar = `${'━'.repeat(filledWidth)}${'╌'.repeat(BAR_WIDTH - filledWidth)}`;
    const line = `${name} ${bar} ${formatMegabytes(bytes)}${totalText}`.slice(0, (output.columns ?? 80) - 1);
    if (line !== lastLine) output.write(`\r\u001B[K${line}${bytes === total ? '\n' : ''}`);
    lastLine = line;
  };
}

const formatMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
