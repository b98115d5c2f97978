import { runStudyWorker } from '../tuning/runStudyWorker.js';
import type { Command } from './command.js';
import {
  createStopSignal,
  parseCommandLine,
  parseCount,
  parseQueueOptions,
  parseTrialOptions,
  requireArgument,
  TRIAL_FLAGS,
} from './parseArguments.js';

/** `tfjs-multitask worker`. */
export const workerCommand: Command = {
  summary: 'carries out trials of a search that runs elsewhere',
  usage: `usage: tfjs-multitask worker MODULE --folder DIR --queue URL [options]

Takes trials from a Redis server, runs each in a process of its own, and writes what it comes to into the study's folder, which
this machine shares with the one that searches. MODULE is the study's module here. Ctrl-C stops after the steps in progress; what
was begun goes on elsewhere.

  --folder DIR      the study's folder
  --queue URL       redis://host:6379, or redis://:password@host:6379
  --name NAME       of the queue, where the search names one
  --settings JSON   of this machine, over those of the search: '{"data": "/mnt/faces"}'
  --parallel N      trials at a time (1)
  --threads N       of one trial (the machine's, shared equally)
  --trial-timeout SECONDS   after which a trial is taken to hang (never)
  --worker-timeout SECONDS  after which a silent worker is taken to be gone (30)`,
  run: async (args) => {
    const { module, values } = parseCommandLine(args, [
      ...TRIAL_FLAGS,
      'queue',
      'name',
      'worker-timeout',
      'parallel',
    ]);
    await runStudyWorker(module, {
      ...parseTrialOptions(values),
      queue: parseQueueOptions(requireArgument(values, 'queue', 'the address of a Redis server'), values),
      ...parseCount(values, 'parallel'),
      signal: createStopSignal(),
      log: console.log,
    }).finally(() => {
      // A connection to a server that is away would keep this process.
      setTimeout(() => process.exit(), 2000).unref();
    });
  },
};
