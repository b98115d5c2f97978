import { Command } from 'commander';
import { resultsTable } from '../../tuner/results/resultsTable.js';
import { readStudy } from '../tuning/readStudy.js';
import type { StudyResult } from '../tuning/runStudy.js';
import { writeStudyResults } from '../tuning/writeStudyResults.js';
import { createFolderOption, createSettingsOption, type TrialCommandOptions } from './commandOptions.js';

/** Creates the `tfjs-multitask results` command. */
export const createResultsCommand = (): Command =>
  new Command('results')
    .summary('show the results of a search, even while it is running')
    .description(
      'Prints a table of the trials in the folder, and writes study.html, results.csv and figures there. Runs no trials, so you can use it while a search runs.',
    )
    .usage('MODULE --folder DIR [options]')
    .argument('<MODULE>', 'module whose default export is the study')
    .addOption(createFolderOption())
    .addOption(createSettingsOption('settings for the module, merged over those of the search'))
    .action(async (module: string, options: Pick<TrialCommandOptions, 'folder' | 'settings'>) => {
      await printResults(options.folder, await readStudy(module, options));
    });

/** Prints a table of the trials, writes the results of the search to its folder, and prints the path of the page. */
export async function printResults(
  folder: string,
  { study, trials }: Pick<StudyResult, 'study' | 'trials'>,
): Promise<void> {
  console.log(resultsTable(study, trials, process.stdout.columns));
  console.log(`\n${await writeStudyResults(folder, study, trials)}`);
}
