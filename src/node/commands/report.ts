import { Command } from 'commander';
import { type WriteReportOptions, writeReport } from '../report/writeReport.js';

/** Creates the `tfjs-multitask report` command. */
export const createReportCommand = (): Command =>
  new Command('report')
    .summary('write report.html for one run, or to compare several runs')
    .description(
      'Writes report.html: one page without scripts that you can open from the disk and print. Also writes its figures to figures/ as .svg and .png, and a model card to best/MODEL_CARD.md in the folder of each run.',
    )
    .usage('DIR... [options]')
    .argument('[DIR...]', 'folders of runs, where your program called recordRun()')
    .option('--out <DIR>', 'folder for the page and the figures (default: the first DIR)')
    .option('--no-images', 'do not show images on the page')
    .action(async (folders: readonly string[], options: WriteReportOptions) => {
      console.log(await writeReport(folders, options));
    });
