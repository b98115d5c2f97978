import { parseArgs } from 'node:util';
import { createArgumentError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { StudySettings } from '../tuning/trial/loadStudy.js';
import type { QueueOptions } from '../tuning/trialQueue.js';

/** An argument with a value. */
const STRING_OPTION = { type: 'string' } as const;

/** What a command line said: the one module that it names, and the arguments with a value that it may have. */
export function parseCommandLine<F extends string>(
  args: readonly string[],
  flags: readonly F[],
): { readonly module: string; readonly values: { readonly [flag in F]?: string } } {
  const options = Object.fromEntries(flags.map((flag) => [flag, STRING_OPTION]));
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [module] = positionals;
  if (positionals.length !== 1 || module === undefined)
    throw createUsageError('MODULE', 'one module', positionals.join(' ') || 'no module');
  return { module, values: values as { readonly [flag in F]?: string } };
}

/** Aborted when the process is told to end. */
export function createStopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** An argument that counts, from 1, as an option of the same name; without it, none. */
export function parseCount<N extends string>(
  values: { readonly [name in N]?: string | undefined },
  name: N,
): { readonly [name in N]?: number } {
  const given = values[name];
  if (given === undefined) return {};
  const value = Number(given);
  if (!(value > 0) || !Number.isInteger(value))
    throw createUsageError(`--${name}`, 'an integer of at least 1', formatValue(given));
  return { [name]: value } as { readonly [name in N]?: number };
}

const TIMEOUT_OPTIONS = {
  timeout: 'timeout',
  'trial-timeout': 'trialTimeout',
  'worker-timeout': 'workerTimeout',
} as const;

/** An argument in seconds, as the option that it stands for; without it, none. */
export function parseSeconds<F extends keyof typeof TIMEOUT_OPTIONS>(
  values: { readonly [flag in F]?: string | undefined },
  flag: F,
): { readonly [option in (typeof TIMEOUT_OPTIONS)[F]]?: number } {
  const given = values[flag];
  if (given === undefined) return {};
  const value = Number(given);
  if (!(value > 0))
    throw createUsageError(`--${flag}`, 'a number of seconds greater than 0', formatValue(given));
  return { [TIMEOUT_OPTIONS[flag]]: value } as { readonly [option in (typeof TIMEOUT_OPTIONS)[F]]?: number };
}

/** An argument that must be there. */
export function requireArgument<F extends string>(
  values: { readonly [flag in F]?: string | undefined },
  flag: F,
  expected: string,
): string {
  const given = values[flag];
  if (given === undefined) throw createUsageError(`--${flag}`, expected, `no --${flag}`);
  return given;
}

/** What all commands that run trials take. */
export const TRIAL_FLAGS = ['folder', 'settings', 'threads', 'trial-timeout'] as const;

/** Those arguments, as options. */
export const parseTrialOptions = (
  values: { readonly [flag in (typeof TRIAL_FLAGS)[number]]?: string | undefined },
) => ({
  folder: requireArgument(values, 'folder', 'a folder'),
  ...parseSettings(values),
  ...parseCount(values, 'threads'),
  ...parseSeconds(values, 'trial-timeout'),
});

/** A queue, by the arguments that name one. */
export const parseQueueOptions = (
  url: string,
  values: { readonly name?: string | undefined; readonly 'worker-timeout'?: string | undefined },
): QueueOptions => ({
  url,
  ...(values.name !== undefined && { name: values.name }),
  ...parseSeconds(values, 'worker-timeout'),
});

/** The argument `--settings`, as an option; without it, none. */
export function parseSettings({ settings: text }: { readonly settings?: string | undefined }): {
  readonly settings?: StudySettings;
} {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { settings: value as StudySettings };
  } catch {}
  throw createUsageError('--settings', 'a JSON object', text || 'an empty string');
}

/** The fault of an argument. */
const createUsageError = (flag: string, expected: string, received: string) =>
  createArgumentError(flag, expected, received, 'See --help.');
