import { resultsTable } from '../../tuner/results.js';
import { readStudy } from '../study/readStudy.js';
import type { StudyResult } from '../study/runStudy.js';
import { studyResults } from '../study/studyResults.js';
import { needed, readLine, settingsOf } from './arguments.js';
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
    const { module, values } = readLine(args, ['folder', 'settings']);
    const folder = needed(values, 'folder', 'a folder');
    await tellResults(folder, await readStudy(module, { folder, ...settingsOf(values) }));
  },
};

/** Prints the table of a search, and the path of the page that is written. */
export async function tellResults(
  folder: string,
  { study, trials }: Pick<StudyResult, 'study' | 'trials'>,
): Promise<void> {
  console.log(resultsTable(study, trials, process.stdout.columns));
  console.log(`\n${await studyResults(folder, study, trials)}`);
}
