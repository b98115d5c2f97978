import { parseArgs } from 'node:util';
import { fault } from '../../core/errors.js';
import type { Settings } from '../study/loadStudy.js';
import type { QueueOptions } from '../study/queue.js';

/** An argument with a value. */
const text = { type: 'string' } as const;

/** What a command line said: the one module that it names, and the arguments with a value that it may have. */
export function readLine<F extends string>(
  args: readonly string[],
  flags: readonly F[],
): { readonly module: string; readonly values: { readonly [flag in F]?: string } } {
  const options = Object.fromEntries(flags.map((flag) => [flag, text]));
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [module] = positionals;
  if (positionals.length !== 1 || module === undefined)
    throw wrong('MODULE', 'one module', positionals.join(' '));
  return { module, values: values as { readonly [flag in F]?: string } };
}

/** Aborted when the process is told to end. */
export function stopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** An argument that counts, from 1, as an option of the same name; without it, none. */
export function numberOf<N extends string>(
  values: { readonly [name in N]?: string | undefined },
  name: N,
): { readonly [name in N]?: number } {
  const given = values[name];
  if (given === undefined) return {};
  const value = Number(given);
  if (!(value > 0) || !Number.isInteger(value)) throw wrong(`--${name}`, 'a whole number above zero', given);
  return { [name]: value } as { readonly [name in N]?: number };
}

const TIMEOUTS = {
  timeout: 'timeout',
  'trial-timeout': 'trialTimeout',
  'worker-timeout': 'workerTimeout',
} as const;

/** An argument in seconds, as the option that it stands for; without it, none. */
export function secondsOf<F extends keyof typeof TIMEOUTS>(
  values: { readonly [flag in F]?: string | undefined },
  flag: F,
): { readonly [option in (typeof TIMEOUTS)[F]]?: number } {
  const given = values[flag];
  if (given === undefined) return {};
  const value = Number(given);
  if (!(value > 0)) throw wrong(`--${flag}`, 'seconds above zero', given);
  return { [TIMEOUTS[flag]]: value } as { readonly [option in (typeof TIMEOUTS)[F]]?: number };
}

/** An argument that must be there. */
export function needed<F extends string>(
  values: { readonly [flag in F]?: string | undefined },
  flag: F,
  expected: string,
): string {
  const given = values[flag];
  if (given === undefined) throw wrong(`--${flag}`, expected, 'none');
  return given;
}

/** What all commands that run trials take. */
export const TRIALS = ['folder', 'settings', 'threads', 'trial-timeout'] as const;

/** Those arguments, as options. */
export const trialsOf = (values: { readonly [flag in (typeof TRIALS)[number]]?: string | undefined }) => ({
  folder: needed(values, 'folder', 'a folder'),
  ...settingsOf(values),
  ...numberOf(values, 'threads'),
  ...secondsOf(values, 'trial-timeout'),
});

/** A queue, by the arguments that name one. */
export const queueOf = (
  url: string,
  values: { readonly name?: string | undefined; readonly 'worker-timeout'?: string | undefined },
): QueueOptions => ({
  url,
  ...(values.name !== undefined && { name: values.name }),
  ...secondsOf(values, 'worker-timeout'),
});

/** The argument `--settings`, as an option; without it, none. */
export function settingsOf({ settings: text }: { readonly settings?: string | undefined }): {
  readonly settings?: Settings;
} {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { settings: value as Settings };
  } catch {}
  throw wrong('--settings', 'an object of JSON', text);
}

/** The fault of an argument. */
const wrong = (path: string, expected: string, received: string) =>
  fault({
    kind: 'argument',
    path,
    expected,
    received: received || 'none',
    advice: 'See --help.',
  });
