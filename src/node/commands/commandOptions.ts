import { CommanderError, Option } from 'commander';
import { createArgumentError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { StudySettings } from '../tuning/trial/loadStudy.js';
import type { QueueOptions } from '../tuning/trialQueue.js';

/** Exit code of a command that was called with invalid arguments. */
export const USAGE_EXIT_CODE = 2;

/** Exit code of a command that a signal stopped. */
export const STOPPED_EXIT_CODE = 130;

/** Error code for an invalid option value. Commander does not print errors with this code, so the command line interface prints them. */
export const INVALID_VALUE_CODE = 'tfjs-multitask.invalidValue';

/** Options that are common to all commands that run trials. */
export interface TrialCommandOptions {
  readonly folder: string;
  readonly settings?: StudySettings;
  readonly threads?: number;
  readonly trialTimeout?: number;
}

/** Returns a signal that is aborted when the process receives SIGINT or SIGTERM. */
export function createStopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** Creates a parser for the value of a command line option, which must be an integer of at least 1. `flag` is the name of the option. */
export const parseCount =
  (flag: string) =>
  (text: string): number => {
    const value = Number(text);
    if (value > 0 && Number.isInteger(value)) return value;
    throw createUsageError(flag, 'an integer of at least 1', formatValue(text));
  };

/** Creates a parser for the value of a command line option, which must be a number of seconds. `flag` is the name of the option. */
export const parseSeconds =
  (flag: string) =>
  (text: string): number => {
    const value = Number(text);
    if (value > 0) return value;
    throw createUsageError(flag, 'a number of seconds greater than 0', formatValue(text));
  };

/** Parses the value of `--settings`, a JSON object. */
function parseSettings(text: string): StudySettings {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as StudySettings;
  } catch {
    // Text that is not JSON causes the same error as JSON of another type.
  }
  throw createUsageError('--settings', 'a JSON object', text || 'an empty string');
}

export const createFolderOption = (description = 'folder of the study') =>
  new Option('--folder <DIR>', description).makeOptionMandatory();

export const createSettingsOption = (description = 'settings for the module') =>
  new Option('--settings <JSON>', description).argParser(parseSettings);

export const createThreadsOption = (description: string) =>
  new Option('--threads <N>', description).argParser(parseCount('--threads'));

export const createTrialTimeoutOption = () =>
  new Option(
    '--trial-timeout <SECONDS>',
    'time limit of a trial; a trial that exceeds it fails (default: no limit)',
  ).argParser(parseSeconds('--trial-timeout'));

export const createWorkerTimeoutOption = () =>
  new Option(
    '--worker-timeout <SECONDS>',
    'time without contact after which a worker is considered lost (default: 30)',
  ).argParser(parseSeconds('--worker-timeout'));

/** Converts command line options to the options of a queue. */
export const toQueueOptions = (
  url: string,
  {
    name,
    workerTimeout,
  }: { readonly name?: string | undefined; readonly workerTimeout?: number | undefined },
): QueueOptions => ({
  url,
  ...(name !== undefined && { name }),
  ...(workerTimeout !== undefined && { workerTimeout }),
});

const createUsageError = (flag: string, expected: string, received: string) => {
  const { message } = createArgumentError(flag, expected, received, 'See --help.');
  return new CommanderError(USAGE_EXIT_CODE, INVALID_VALUE_CODE, message);
};
