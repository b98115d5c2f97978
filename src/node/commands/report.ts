import { parseArgs } from 'node:util';
import { writeReport } from '../report/writeReport.js';
import type { Command } from './command.js';

/** `tfjs-multitask report`. */
export const reportCommand: Command = {
  summary: 'writes report.html for a run, or for several side by side',
  usage: `usage: tfjs-multitask report DIR [DIR...] [--out DIR] [--no-images]

Writes report.html: one page, without scripts, that opens from the disk and prints. Its figures lie below figures/ as .svg
and .png, and MODEL_CARD.md beside the model in best/. A folder is what the examples call --out, or where your program called
recordRun().

  --out DIR       where page and figures go (the first folder)
  --no-images     leave out pictures of images`,
  run: async (args) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { out: { type: 'string' }, 'no-images': { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const { out } = values;
    console.log(
      await writeReport(positionals, { images: !values['no-images'], ...(out === undefined ? {} : { out }) }),
    );
  },
};
