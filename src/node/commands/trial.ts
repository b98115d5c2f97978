import { runSingleTrial } from '../tuning/runSingleTrial.js';
import type { Command } from './command.js';
import {
  createStopSignal,
  parseCommandLine,
  parseCount,
  parseTrialOptions,
  requireArgument,
  TRIAL_FLAGS,
} from './parseArguments.js';

/** `tfjs-multitask trial`. */
export const trialCommand: Command = {
  summary: 'runs one trial of a search by grid or by chance',
  usage: `usage: tfjs-multitask trial MODULE --folder DIR --number N [options]

Runs trial N, counted from 1, of the study that MODULE describes, and writes what it comes to into the study's folder. For
machines that know nothing of each other: by grid and by chance, a trial follows from its number alone. It exits with 0 once that
is written, also for a trial that failed; with 130 where it was stopped before, and goes on when it is run again.

  --folder DIR      the study's folder, the same on all machines
  --number N        which trial
  --settings JSON   for the module
  --threads N       of the trial (the machine's)
  --trial-timeout SECONDS   after which it is taken to hang (never)`,
  run: async (args) => {
    const { module, values } = parseCommandLine(args, [...TRIAL_FLAGS, 'number']);
    requireArgument(values, 'number', 'the number of a trial');
    const number = parseCount(values, 'number').number!;
    const stop = createStopSignal();
    const trial = await runSingleTrial(module, { ...parseTrialOptions(values), number, signal: stop });
    if (!trial && stop.aborted) process.exitCode = 130;
    const why = trial?.reason === undefined ? '' : `: ${trial.reason}`;
    console.log(trial ? `trial ${number} ${trial.state}${why}` : `no trial ${number}`);
  },
};
