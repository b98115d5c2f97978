import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import * as checks from '../../core/errors/checks.js';
import type { Spawner } from '../../core/platform/platform.js';
import { getDefaultWorkerCount, WORKER_COUNT_ADVICE } from '../../data/workerPool.js';

const LISTENER_SCRIPT = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', (message) => parentPort.postMessage(...answer(message)));`;

/**
 * Threads of this process as workers, for a dataset's augmentation. `imageFolder` has them; others take them by
 * `dataset.withWorkers`. They start when a run has work for them, and end with it.
 *
 * @param options - `count`: how many at a time; default one less than the machine has cores, at least 1 and at most 4.
 * @throws `argument` fault for a count that is none.
 * @example
 * ```ts
 * import { imagesInMemory, randomRotation } from 'tfjs-multitask';
 * import { workerThreads } from 'tfjs-multitask/node';
 *
 * const grey = { data: new Uint8Array(8 * 8 * 3).fill(90), height: 8, width: 8, channels: 3 };
 * const dataset = imagesInMemory([{ image: grey, labels: { age: 30 } }])
 *   .augment([randomRotation({ degrees: 20 })])
 *   .withWorkers(workerThreads({ count: 2 }));
 * console.log(dataset.size); // 1
 * ```
 * @category Data
 */
export function workerThreads({
  count = getDefaultWorkerCount(availableParallelism()),
}: {
  readonly count?: number;
} = {}): Spawner {
  checks.integer('workerThreads.count', count, { min: 1, advice: WORKER_COUNT_ADVICE });
  return {
    maxWorkers: count,
    spawn: (script, { onMessage, onError }) => {
      // The process's own flags and environment may load half a program into each thread; this script needs nothing.
      const worker = new Worker(script + LISTENER_SCRIPT, { eval: true, execArgv: [], env: {} });
      let over = false;
      const fail = (cause: unknown) => {
        if (!over) onError(cause);
        over = true;
      };
      worker.on('message', onMessage);
      worker.on('messageerror', fail);
      worker.on('error', fail);
      worker.on('exit', (code) => fail(new Error(`it ended with exit code ${code}`)));
      return {
        postMessage: (message, transfer) => worker.postMessage(message, transfer),
        terminate: () => {
          over = true;
          void worker.terminate();
        },
      };
    },
  };
}
