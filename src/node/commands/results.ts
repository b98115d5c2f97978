import { parseArgs } from 'node:util';
import { resultsTable } from '../../tuner/results.js';
import { readStudy } from '../study/readStudy.js';
import { studyResults } from '../study/studyResults.js';
import { folderOf, moduleOf, settingsOf, text } from './arguments.js';
import type { Command } from './command.js';

/** `tfjs-multitask results`. */
export const resultsCommand: Command = {
  summary: 'shows what a search has come to, also while it runs',
  usage: `usage: tfjs-multitask results MODULE --folder DIR [--settings JSON]

Prints the table of the trials that stand in the folder, and writes study.html, results.csv and figures there. Runs nothing,
and may be called while a search runs.

  --folder DIR      the study's folder
  --settings JSON   for the module, over those that the search was begun with`,
  run: async (args) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { folder: text, settings: text },
      allowPositionals: true,
    });
    const folder = folderOf(values);
    const { study, trials } = await readStudy(moduleOf(positionals), {
      folder,
      ...settingsOf(values),
    });
    console.log(resultsTable(study, trials, process.stdout.columns));
    console.log(`\n${await studyResults(folder, study, trials)}`);
  },
};
