import { parseArgs } from 'node:util';
import { fault } from '../../core/errors.js';
import type { Settings } from '../study/loadStudy.js';
import { studyTrial } from '../study/studyTrial.js';
import { studyWorker } from '../study/worker.js';
import type { Command } from './command.js';

const text = { type: 'string' } as const;

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
  --limit SECONDS   after which it is taken to hang (never)`,
  run: async (args) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { folder: text, number: text, settings: text, threads: text, limit: text },
      allowPositionals: true,
    });
    const stop = stopped();
    const number =
      numberOf(values, 'number').number ?? raise(wrong('--number', 'a number above zero', 'none'));
    const trial = await studyTrial(moduleOf(positionals), {
      folder: values.folder ?? raise(wrong('--folder', 'a folder', 'none')),
      number,
      ...(values.settings !== undefined && { settings: settingsOf(values.settings) }),
      ...numberOf(values, 'threads'),
      ...numberOf(values, 'limit'),
      signal: stop,
    });
    if (!trial && stop.aborted) process.exitCode = 130;
    const why = trial?.reason === undefined ? '' : `: ${trial.reason}`;
    console.log(trial ? `trial ${number} ${trial.state}${why}` : `no trial ${number}`);
  },
};

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
  --limit SECONDS   after which a trial is taken to hang (never)
  --patience SECONDS  after which a silent worker is taken to be gone (30)`,
  run: async (args) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...{ folder: text, queue: text, name: text, settings: text },
        ...{ parallel: text, threads: text, limit: text, patience: text },
      },
      allowPositionals: true,
    });
    const needed = (name: 'folder' | 'queue') =>
      values[name] ?? raise(wrong(`--${name}`, name === 'folder' ? 'a folder' : 'an address', 'none'));
    await studyWorker(moduleOf(positionals), {
      folder: needed('folder'),
      queue: {
        url: needed('queue'),
        ...(values.name !== undefined && { name: values.name }),
        ...numberOf(values, 'patience'),
      },
      ...(values.settings !== undefined && { settings: settingsOf(values.settings) }),
      ...numberOf(values, 'parallel'),
      ...numberOf(values, 'threads'),
      ...numberOf(values, 'limit'),
      signal: stopped(),
      log: console.log,
    }).finally(() => {
      // A connection to a server that is away would keep this process.
      setTimeout(() => process.exit(), 2000).unref();
    });
  },
};

function moduleOf(positionals: readonly string[]): string {
  const [module] = positionals;
  if (positionals.length !== 1 || module === undefined)
    throw wrong('MODULE', 'one module', positionals.join(' '));
  return module;
}

/** Aborted when the process is told to end. */
function stopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

function numberOf<N extends string>(
  values: { readonly [name in N]?: string | undefined },
  name: N,
): { readonly [name in N]?: number } {
  const given = values[name];
  if (given === undefined) return {};
  const value = Number(given);
  const seconds = name === 'limit' || name === 'patience';
  if (given === '' || !(value > 0) || !(seconds || Number.isInteger(value)))
    throw wrong(`--${name}`, 'a number above zero', given);
  return { [name]: value } as { readonly [name in N]?: number };
}

function settingsOf(text: string): Settings {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Settings;
  } catch {}
  throw wrong('--settings', 'an object of JSON', text);
}

const wrong = (path: string, expected: string, received: string) =>
  fault({
    kind: 'argument',
    path,
    expected,
    received: received || 'none',
    advice: 'See --help.',
  });

function raise(error: Error): never {
  throw error;
}
