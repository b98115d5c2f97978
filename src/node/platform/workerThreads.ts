import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import * as checks from '../../core/errors/checks.js';
import type { Spawner } from '../../core/platform/platform.js';
import { getDefaultWorkerCount, WORKER_COUNT_ADVICE } from '../../data/workerPool.js';

const LISTENER_SCRIPT = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', (message) => parentPort.postMessage(...answer(message)));`;

/**
 * Creates worker threads for the augmentation of a dataset. `imageFolder` uses them automatically; for other datasets,
 * pass the workers to `dataset.withWorkers`. Workers start when a run needs them, and are terminated when the run ends.
 *
 * @param options - `count`: number of workers. Default: the number of CPU cores minus 1, at least 1 and at most 4.
 * @throws An `argument` error if `count` is not an integer of at least 1.
 * @example
 * ```ts
 * import { imagesInMemory, randomRotation } from 'tfjs-multitask';
 * import { workerThreads } from 'tfjs-multitask/node';
 *
 * const gray = { data: new Uint8Array(8 * 8 * 3).fill(90), height: 8, width: 8, channels: 3 };
 * const dataset = imagesInMemory([{ image: gray, labels: { age: 30 } }])
 *   .augment([randomRotation({ degrees: 20 })])
 *   .withWorkers(workerThreads({ count: 2 }));
 * console.log(dataset.size); // 1
 * ```
 * @category Data
 */
export function workerThreads(options: { readonly count?: number } = {}): Spawner {
  checks.options('workerThreads', options, { count: true });
  const { count = getDefaultWorkerCount(availableParallelism()) } = options;
  checks.integer('workerThreads.count', count, { min: 1, advice: WORKER_COUNT_ADVICE });
  return {
    maxWorkers: count,
    spawn: (script, { onMessage, onError }) => {
      // The script needs no flags and no environment variables. Those of the process could load other modules into each thread.
      const worker = new Worker(script + LISTENER_SCRIPT, { eval: true, execArgv: [], env: {} });
      let hasEnded = false;
      const fail = (cause: unknown) => {
        if (!hasEnded) onError(cause);
        hasEnded = true;
      };
      worker.on('message', onMessage);
      worker.on('messageerror', fail);
      worker.on('error', fail);
      worker.on('exit', (code) => fail(new Error(`it ended with exit code ${code}`)));
      return {
        postMessage: (message, transfer) => worker.postMessage(message, transfer),
        terminate: () => {
          hasEnded = true;
          void worker.terminate();
        },
      };
    },
  };
}
