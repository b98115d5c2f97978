import * as checks from '../core/errors/checks.js';
import type { Spawner } from '../core/platform/platform.js';
import { getDefaultWorkerCount, WORKER_COUNT_ADVICE } from '../data/workerPool.js';

const LISTENER_SCRIPT = '\nonmessage = ({ data }) => postMessage(...answer(data));';

/**
 * Creates web workers for the augmentation of a dataset. `imageFiles` uses them automatically; for other datasets, pass the
 * workers to `dataset.withWorkers`. Workers start when a run needs them, and are terminated when the run ends. Their script has a
 * `blob:` URL, which a Content-Security-Policy must allow (`worker-src blob:`).
 *
 * @param options - `count`: number of workers. Default: the number of CPU cores minus 1, at least 1 and at most 4.
 * @throws An `argument` error if `count` is not an integer of at least 1.
 * @example
 * ```ts
 * import { imagesInMemory } from 'tfjs-multitask';
 * import { webWorkers } from 'tfjs-multitask/browser';
 *
 * const gray = { data: new Uint8Array(8 * 8 * 3).fill(90), height: 8, width: 8, channels: 3 };
 * const dataset = imagesInMemory([{ image: gray, labels: { age: 30 } }]).withWorkers(webWorkers());
 * console.log(dataset.size); // 1
 * ```
 * @category Data
 */
export function webWorkers(options: { readonly count?: number } = {}): Spawner {
  checks.options('webWorkers', options, { count: true });
  const { count = getDefaultWorkerCount(navigator.hardwareConcurrency) } = options;
  checks.integer('webWorkers.count', count, { min: 1, advice: WORKER_COUNT_ADVICE });
  return {
    maxWorkers: count,
    spawn: (script, { onMessage, onError }) => {
      const url = URL.createObjectURL(new Blob([script, LISTENER_SCRIPT], { type: 'text/javascript' }));
      const worker = new Worker(url);
      let hasEnded = false;
      const fail = (cause: unknown) => {
        if (!hasEnded) onError(cause);
        hasEnded = true;
      };
      worker.onmessage = ({ data }) => onMessage(data);
      worker.onmessageerror = () => fail(new Error('its response cannot be read'));
      worker.onerror = (event) => {
        event.preventDefault(); // The listener reports the error, so the error handler of the page must not report it again.
        // An error without a message means that the Content-Security-Policy of the page blocked the script.
        fail(new Error(event.message || 'its script was blocked by the page'));
      };
      return {
        postMessage: (message, transfer) => worker.postMessage(message, [...transfer]),
        terminate: () => {
          hasEnded = true;
          worker.terminate();
          URL.revokeObjectURL(url);
        },
      };
    },
  };
}
