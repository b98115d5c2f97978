import { liveTable } from '../tuning/liveTable.js';
import { runStudy } from '../tuning/runStudy.js';
import type { Command } from './command.js';
import {
  createStopSignal,
  parseCommandLine,
  parseCount,
  parseQueueOptions,
  parseSeconds,
  parseTrialOptions,
  TRIAL_FLAGS,
} from './parseArguments.js';
import { printResults } from './results.js';

/** `tfjs-multitask search`. */
export const searchCommand: Command = {
  summary: 'runs a search, or goes on with one',
  usage: `usage: tfjs-multitask search MODULE --folder DIR [options]

Runs the study that MODULE exports by default, each trial in a process of its own, and shows a table of them; ends with
study.html, results.csv and figures in the folder. Ctrl-C stops after the steps in progress, and the same line goes on from
there. A MODULE in TypeScript needs a loader: NODE_OPTIONS="--import tsx" npx tfjs-multitask search study.ts ...

  --folder DIR      the study's folder
  --trials N        in all, those of earlier runs among them (until the strategy has no more)
  --parallel N      trials at a time (1)
  --threads N       of one trial (the machine's, shared equally)
  --timeout SECONDS   after which no further trial begins (none)
  --trial-timeout SECONDS   after which a trial is taken to hang (never)
  --settings JSON   for the module
  --queue URL       hands trials out to workers: redis://host:6379, or redis://:password@host:6379
  --name NAME       of the queue (one of its own for each study)
  --worker-timeout SECONDS  after which a silent worker is taken to be gone (30)`,
  run: async (args) => {
    const flags = ['trials', 'parallel', 'timeout', 'queue', 'name', 'worker-timeout'] as const;
    const { module, values } = parseCommandLine(args, [...TRIAL_FLAGS, ...flags]);
    const trials = parseCount(values, 'trials');
    const options = {
      ...parseTrialOptions(values),
      ...trials,
      ...parseCount(values, 'parallel'),
      ...parseSeconds(values, 'timeout'),
      ...(values.queue !== undefined && { queue: parseQueueOptions(values.queue, values) }),
      signal: createStopSignal(),
    };
    const table = liveTable(process.stdout, trials);
    const result = await runStudy(module, { ...options, onChange: table.show }).finally(table.clear);
    await printResults(options.folder, result);
    if (result.stopped === 'aborted') process.exitCode = 130;
  },
};
