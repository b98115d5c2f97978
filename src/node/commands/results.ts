import { resultsTable } from '../../tuner/results/resultsTable.js';
import { readStudy } from '../tuning/readStudy.js';
import type { StudyResult } from '../tuning/runStudy.js';
import { writeStudyResults } from '../tuning/writeStudyResults.js';
import type { Command } from './command.js';
import { parseCommandLine, parseSettings, requireArgument } from './parseArguments.js';

/** `tfjs-multitask results`. */
export const resultsCommand: Command = {
  summary: 'shows what a search has come to, also while it runs',
  usage: `usage: tfjs-multitask results MODULE --folder DIR [--settings JSON]

Prints the table of the trials that stand in the folder, and writes study.html, results.csv and figures there. Runs nothing,
and may be called while a search runs.

  --folder DIR      the study's folder
  --settings JSON   for the module, over those that the search was begun with`,
  run: async (args) => {
    const { module, values } = parseCommandLine(args, ['folder', 'settings']);
    const folder = requireArgument(values, 'folder', 'a folder');
    await printResults(folder, await readStudy(module, { folder, ...parseSettings(values) }));
  },
};

/** Prints the table of a search, and the path of the page that is written. */
export async function printResults(
  folder: string,
  { study, trials }: Pick<StudyResult, 'study' | 'trials'>,
): Promise<void> {
  console.log(resultsTable(study, trials, process.stdout.columns));
  console.log(`\n${await writeStudyResults(folder, study, trials)}`);
}
