import { parseArgs } from 'node:util';
import { studyTrial } from '../study/studyTrial.js';
import {
  folderOf,
  moduleOf,
  numberOf,
  raise,
  secondsOf,
  settingsOf,
  stopped,
  text,
  wrong,
} from './arguments.js';
import type { Command } from './command.js';

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
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { folder: text, number: text, settings: text, threads: text, 'trial-timeout': text },
      allowPositionals: true,
    });
    const stop = stopped();
    const number =
      numberOf(values, 'number').number ?? raise(wrong('--number', 'a number above zero', 'none'));
    const trial = await studyTrial(moduleOf(positionals), {
      folder: folderOf(values),
      number,
      ...settingsOf(values),
      ...numberOf(values, 'threads'),
      ...secondsOf(values, 'trial-timeout'),
      signal: stop,
    });
    if (!trial && stop.aborted) process.exitCode = 130;
    const why = trial?.reason === undefined ? '' : `: ${trial.reason}`;
    console.log(trial ? `trial ${number} ${trial.state}${why}` : `no trial ${number}`);
  },
};
