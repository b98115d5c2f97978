import * as checks from '../core/errors/checks.js';
import type { Spawner } from '../core/platform/platform.js';
import { getDefaultWorkerCount, WORKER_COUNT_ADVICE } from '../data/workerPool.js';

const LISTENER_SCRIPT = '\nonmessage = ({ data }) => postMessage(...answer(data));';

/**
 * Workers of the page, for a dataset's augmentation. `imageFiles` has them; others take them by
 * `dataset.withWorkers`. They start when a run has work for them, and end with it. Their script is no file but a
 * `blob:` address, which a Content-Security-Policy must allow (`worker-src blob:`).
 *
 * @param options - `count`: how many at a time; default one less than the machine has cores, at least 1 and at most 4.
 * @throws `argument` fault for a count that is none.
 * @example
 * ```ts
 * import { imagesInMemory } from 'tfjs-multitask';
 * import { webWorkers } from 'tfjs-multitask/browser';
 *
 * const grey = { data: new Uint8Array(8 * 8 * 3).fill(90), height: 8, width: 8, channels: 3 };
 * const dataset = imagesInMemory([{ image: grey, labels: { age: 30 } }]).withWorkers(webWorkers());
 * console.log(dataset.size); // 1
 * ```
 * @category Data
 */
export function webWorkers({
  count = getDefaultWorkerCount(navigator.hardwareConcurrency),
}: {
  readonly count?: number;
} = {}): Spawner {
  checks.integer('webWorkers.count', count, { min: 1, advice: WORKER_COUNT_ADVICE });
  return {
    maxWorkers: count,
    spawn: (script, { onMessage, onError }) => {
      const url = URL.createObjectURL(new Blob([script, LISTENER_SCRIPT], { type: 'text/javascript' }));
      const worker = new Worker(url);
      let over = false;
      const fail = (cause: unknown) => {
        if (!over) onError(cause);
        over = true;
      };
      worker.onmessage = ({ data }) => onMessage(data);
      worker.onmessageerror = () => fail(new Error('its answer cannot be read'));
      worker.onerror = (event) => {
        event.preventDefault(); // it is told here, and not the page's own handler as well
        fail(new Error(event.message || 'its script may not start')); // without a message: the page's policy
      };
      return {
        postMessage: (message, transfer) => worker.postMessage(message, [...transfer]),
        terminate: () => {
          over = true;
          worker.terminate();
          URL.revokeObjectURL(url);
        },
      };
    },
  };
}
