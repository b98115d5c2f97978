// Starts an engine in a host program with listeners of its own. Usage: startInHost.ts <entry> <engine> <threads> [worker]
// Prints the numbers of listeners before and after, the listeners of the program that are left, and the errors that they receive.
import { isMainThread, Worker } from 'node:worker_threads';
import { createUseEngine } from '../../src/engines/select.js';
import * as defaultEntry from '../../src/entries/default.js';
import * as nodeEntry from '../../src/entries/node.js';
import { nodePlatform } from '../../src/node/platform/nodePlatform.js';

const [entry, engine, threads, thread] = process.argv.slice(2);
const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/** Returns the version of `useEngine` that is tested. `no-modules` simulates a bundle: the files of the backend cannot be found. */
function createStart() {
  if (entry === 'default') return defaultEntry.useEngine;
  if (entry === 'node') return nodeEntry.useEngine;
  const loadPackage = async <M>(name: string, neededFor: string) => {
    const module = await nodePlatform.loadPackage<M>(name, neededFor);
    if (name !== 'node:module') return module;
    return {
      createRequire: () =>
        Object.assign(
          () => {
            throw new Error('not found');
          },
          {
            resolve: () => {
              throw new Error('not found');
            },
          },
        ),
    } as M;
  };
  return createUseEngine({ ...nodePlatform, loadPackage: Object.assign(loadPackage, { threads: 2 }) });
}

async function main() {
  const errors: string[] = [];
  const hostListeners = EVENTS.flatMap((event) =>
    ['before', 'while', 'later'].map((when) => ({
      event,
      when,
      listener: (error: Error) => void errors.push(`${when}: ${error.message}`),
    })),
  );
  const add = (moment: string) => {
    for (const { event, when, listener } of hostListeners)
      if (when === moment) process.on(event as 'uncaughtException', listener);
  };
  const count = () => EVENTS.map((event) => process.listenerCount(event));
  const before = count();
  add('before');
  const start = createStart()(engine as 'wasm' | 'onnx', { threads: Number(threads) });
  add('while');
  setImmediate(() => add('later'));
  const { reason } = await start;
  const added = count().map((n, i) => n - before[i]!);
  void Promise.reject(new Error('a rejection'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const kept = hostListeners.filter(({ event, listener }) =>
    process.listeners(event as 'uncaughtException').includes(listener as never),
  );
  console.log(JSON.stringify({ reason, added, kept: kept.length, errors }));
}

if (thread === 'worker' && isMainThread) {
  // tsx, which runs this file, does not register itself in worker threads.
  const script = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(import.meta.url)}); });`;
  new Worker(script, { eval: true, argv: process.argv.slice(2) });
} else void main();
