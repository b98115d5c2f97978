import { parseArgs } from 'node:util';
import { report } from '../report.js';
import type { Command } from './command.js';

/** `tfjs-multitask report`. */
export const reportCommand: Command = {
  summary: 'writes report.html for a run, or for several side by side',
  usage: `usage: tfjs-multitask report DIR [DIR...] [--no-images]

Writes report.html into the first folder: one page, without scripts, that opens from the disk and prints. Its figures lie
below figures/ as .svg and .png, and MODEL_CARD.md beside the model in best/. A folder is what the examples call --out, or
where your program called recordRun().

  --no-images     leave out pictures of images`,
  run: async (args) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { 'no-images': { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    console.log(await report(positionals, { images: !values['no-images'] }));
  },
};
