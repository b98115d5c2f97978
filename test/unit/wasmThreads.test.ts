import { expect, test } from 'vitest';
import type { PackageLoader } from '../../src/core/platform/platform.js';
import { useEngine } from '../../src/entries/node.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { useEngineWith } from '../engines/useEngineWith.js';

/** Loader that simulates Node without permission to start threads, as with the permission model of Node. */
const withoutThreads: PackageLoader = async <M>(name: string, neededFor: string) => {
  if (name !== 'node:worker_threads') return loadPackage<M>(name, neededFor);
  class Worker {
    constructor() {
      throw new Error('no threads here');
    }
  }
  return { Worker } as M;
};

test('the wasm engine runs on one thread if worker threads cannot start, and reports the cause again when the engine is requested again', async () => {
  const reason = 'requested by name, on 1 thread; the threads of wasm failed to start: no threads here';
  expect(await useEngineWith(withoutThreads)('wasm', { threads: 2 })).toMatchObject({ reason });
  expect(await useEngine('wasm', { threads: 2 })).toMatchObject({ reason });
});
