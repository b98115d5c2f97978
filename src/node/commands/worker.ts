import { parseArgs } from 'node:util';
import { fault } from '../../core/errors.js';
import type { Json } from '../../core/json.js';
import { studyWorker } from '../study/worker.js';
import type { Command } from './command.js';

/** `tfjs-multitask worker`. */
export const workerCommand: Command = {
  summary: 'carries out trials of a search that runs elsewhere',
  usage: `usage: tfjs-multitask worker MODULE --folder DIR --queue URL [options]

Takes trials from a Redis server, runs each in a process of its own, and writes what it comes to into the study's folder, which
this machine shares with the one that searches. MODULE is the study's module here. Ctrl-C stops after the steps in progress; what
was begun goes on elsewhere.

  --folder DIR      the study's folder
  --queue URL       redis://host:6379, or redis://:password@host:6379
  --name NAME       of the queue (tfjs-multitask)
  --settings JSON   of this machine, over those of the search: '{"data": "/mnt/faces"}'
  --parallel N      trials at a time (1)
  --threads N       of one trial (the machine's, shared equally)
  --limit SECONDS   after which a trial is taken to hang (never)
  --patience SECONDS  after which a silent worker is taken to be gone (30)`,
  run: async (args) => {
    const text = { type: 'string' } as const;
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...{ folder: text, queue: text, name: text, settings: text },
        ...{ parallel: text, threads: text, limit: text, patience: text },
      },
      allowPositionals: true,
    });
    const [module] = positionals;
    if (positionals.length !== 1 || module === undefined)
      throw wrong('MODULE', 'one module', positionals.join(' '));
    const needed = (name: 'folder' | 'queue') =>
      values[name] ?? raise(wrong(`--${name}`, 'an address', 'none'));
    const number = (name: 'parallel' | 'threads' | 'limit' | 'patience') => {
      const given = values[name];
      if (given === undefined) return {};
      const value = Number(given);
      const right =
        name === 'limit' || name === 'patience' ? value > 0 : Number.isInteger(value) && value >= 1;
      if (given === '' || !right) throw wrong(`--${name}`, 'a number above zero', given);
      return { [name]: value };
    };
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    await studyWorker(module, {
      folder: needed('folder'),
      queue: {
        url: needed('queue'),
        ...(values.name !== undefined && { name: values.name }),
        ...number('patience'),
      },
      ...(values.settings !== undefined && { settings: settingsOf(values.settings) }),
      ...number('parallel'),
      ...number('threads'),
      ...number('limit'),
      signal: stop.signal,
      log: console.log,
    });
  },
};

function settingsOf(text: string): { readonly [name: string]: Json } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as { readonly [name: string]: Json };
  } catch {}
  throw wrong('--settings', 'an object of JSON', text);
}

const wrong = (path: string, expected: string, received: string) =>
  fault({
    kind: 'argument',
    path,
    expected,
    received: received || 'none',
    advice: 'See tfjs-multitask worker --help.',
  });

function raise(error: Error): never {
  throw error;
}
