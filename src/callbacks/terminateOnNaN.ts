import type { StatelessCallback } from '../training/callback.js';

/**
 * Returns a callback that stops training after a step whose loss is not a finite number, as Keras 3 `TerminateOnNaN`
 * does (callbacks/terminate_on_nan.py). `stopped` in the history then names the step.
 *
 * @returns A callback for the option `callbacks` of `fit`.
 * @example
 * ```ts
 * import { terminateOnNaN } from 'tfjs-multitask';
 *
 * console.log(terminateOnNaN().name); // terminateOnNaN
 * ```
 * @category Callbacks
 */
export function terminateOnNaN(): StatelessCallback {
  return {
    name: 'terminateOnNaN',
    onBatchEnd: ({ epoch, batch, loss }, run) => {
      if (!Number.isFinite(loss)) run.stop(`the loss was ${loss} in epoch ${epoch}, step ${batch}`);
    },
  };
}
