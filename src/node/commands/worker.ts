import { Command } from 'commander';
import { runStudyWorker } from '../tuning/runStudyWorker.js';
import {
  createFolderOption,
  createSettingsOption,
  createStopSignal,
  createThreadsOption,
  createTrialTimeoutOption,
  createWorkerTimeoutOption,
  parseCount,
  type TrialCommandOptions,
  toQueueOptions,
} from './commandOptions.js';

interface WorkerCommandOptions extends TrialCommandOptions {
  readonly queue: string;
  readonly name?: string;
  readonly parallel?: number;
  readonly workerTimeout?: number;
}

/** Creates the `tfjs-multitask worker` command. */
export const createWorkerCommand = (): Command =>
  new Command('worker')
    .summary('run trials of a search on another machine')
    .description(
      [
        'Takes trials from a Redis server, runs each of them in a separate process, and writes their results to the folder of the study, which this machine shares with the search. MODULE is the module of the study on this machine.',
        '',
        'Ctrl-C stops the worker after the steps in progress. Other workers resume its trials.',
      ].join('\n'),
    )
    .usage('MODULE --folder DIR --queue URL [options]')
    .argument('<MODULE>', 'module whose default export is the study')
    .addOption(createFolderOption())
    .requiredOption('--queue <URL>', 'Redis server, at redis://host:6379 or redis://:password@host:6379')
    .option('--name <NAME>', 'name of the queue, if the search sets one')
    .addOption(
      createSettingsOption(
        `settings of this machine, merged over those of the search, such as '{"data": "/mnt/faces"}'`,
      ),
    )
    .option('--parallel <N>', 'number of trials at a time (default: 1)', parseCount('--parallel'))
    .addOption(
      createThreadsOption('threads of one trial (default: the threads of the machine, divided equally)'),
    )
    .addOption(createTrialTimeoutOption())
    .addOption(createWorkerTimeoutOption())
    .action(runWorker);

async function runWorker(
  module: string,
  { queue: url, name, workerTimeout, ...options }: WorkerCommandOptions,
): Promise<void> {
  await runStudyWorker(module, {
    ...options,
    queue: toQueueOptions(url, { name, workerTimeout }),
    signal: createStopSignal(),
    log: console.log,
  }).finally(() => {
    // An open connection to a server that is unreachable would keep the process alive.
    setTimeout(() => process.exit(), 2000).unref();
  });
}
