import { Command } from 'commander';
import { liveTable } from '../tuning/liveTable.js';
import { runStudy } from '../tuning/runStudy.js';
import {
  createFolderOption,
  createSettingsOption,
  createStopSignal,
  createThreadsOption,
  createTrialTimeoutOption,
  createWorkerTimeoutOption,
  parseCount,
  parseSeconds,
  STOPPED_EXIT_CODE,
  type TrialCommandOptions,
  toQueueOptions,
} from './commandOptions.js';
import { printResults } from './results.js';

interface SearchCommandOptions extends TrialCommandOptions {
  readonly trials?: number;
  readonly parallel?: number;
  readonly timeout?: number;
  readonly queue?: string;
  readonly name?: string;
  readonly workerTimeout?: number;
}

/** Creates the `tfjs-multitask search` command. */
export const createSearchCommand = (): Command =>
  new Command('search')
    .summary('run a search, or resume it')
    .description(
      [
        'Runs the study that MODULE exports by default. Each trial runs in a separate process, and a table shows the progress. At the end, study.html, results.csv and figures are written to the folder.',
        '',
        'Ctrl-C stops the search after the steps in progress. The same command resumes it.',
        '',
        'A MODULE in TypeScript needs a loader:',
        '  NODE_OPTIONS="--import tsx" npx tfjs-multitask search study.ts ...',
      ].join('\n'),
    )
    .usage('MODULE --folder DIR [options]')
    .argument('<MODULE>', 'module whose default export is the study')
    .addOption(createFolderOption())
    .option(
      '--trials <N>',
      'total number of trials, including earlier runs (default: all trials of the strategy)',
      parseCount('--trials'),
    )
    .option('--parallel <N>', 'number of trials at a time (default: 1)', parseCount('--parallel'))
    .addOption(
      createThreadsOption('threads of one trial (default: the threads of the machine, divided equally)'),
    )
    .option(
      '--timeout <SECONDS>',
      'time after which no further trial starts (default: no limit)',
      parseSeconds('--timeout'),
    )
    .addOption(createTrialTimeoutOption())
    .addOption(createSettingsOption())
    .option(
      '--queue <URL>',
      'let workers run the trials, through the Redis server at redis://host:6379 or redis://:password@host:6379',
    )
    .option('--name <NAME>', 'name of the queue (default: one queue per study)')
    .addOption(createWorkerTimeoutOption())
    .action(runSearch);

async function runSearch(
  module: string,
  { queue: url, name, workerTimeout, ...options }: SearchCommandOptions,
): Promise<void> {
  const { trials } = options;
  const table = liveTable(process.stdout, trials === undefined ? {} : { trials });
  const result = await runStudy(module, {
    ...options,
    ...(url !== undefined && { queue: toQueueOptions(url, { name, workerTimeout }) }),
    signal: createStopSignal(),
    onChange: table.show,
  }).finally(table.clear);
  await printResults(options.folder, result);
  if (result.stopped === 'aborted') process.exitCode = STOPPED_EXIT_CODE;
}
