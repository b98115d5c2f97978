import { Command } from 'commander';
import { runSingleTrial } from '../tuning/runSingleTrial.js';
import {
  createFolderOption,
  createSettingsOption,
  createStopSignal,
  createThreadsOption,
  createTrialTimeoutOption,
  parseCount,
  STOPPED_EXIT_CODE,
  type TrialCommandOptions,
} from './commandOptions.js';

interface SingleTrialCommandOptions extends TrialCommandOptions {
  readonly number: number;
}

/** Creates the `tfjs-multitask trial` command. */
export const createTrialCommand = (): Command =>
  new Command('trial')
    .summary('run one trial of a grid or random search')
    .description(
      [
        'Runs trial N of a study and writes its result to the folder of the study. Use it for machines that work independently. This is possible because the trials of a grid or random search depend only on their numbers.',
        '',
        'The exit code is 0 if a result was written, even if the trial failed. It is 130 if the trial was stopped; the same command resumes it.',
      ].join('\n'),
    )
    .usage('MODULE --folder DIR --number N [options]')
    .argument('<MODULE>', 'module whose default export is the study')
    .addOption(createFolderOption('folder of the study, the same on all machines'))
    .requiredOption('--number <N>', 'number of the trial, counted from 1', parseCount('--number'))
    .addOption(createSettingsOption())
    .addOption(createThreadsOption('threads of the trial (default: all threads of the machine)'))
    .addOption(createTrialTimeoutOption())
    .action(runTrial);

async function runTrial(module: string, options: SingleTrialCommandOptions): Promise<void> {
  const stop = createStopSignal();
  const trial = await runSingleTrial(module, { ...options, signal: stop });
  if (!trial && stop.aborted) process.exitCode = STOPPED_EXIT_CODE;
  const { number } = options;
  const reason = trial?.reason === undefined ? '' : `: ${trial.reason}`;
  const missing = stop.aborted ? `trial ${number} was stopped` : `the search has no trial ${number}`;
  console.log(trial ? `trial ${number} ${trial.state}${reason}` : missing);
}
