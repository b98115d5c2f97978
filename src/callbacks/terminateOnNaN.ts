import type { StatelessCallback } from '../training/callback.js';

/**
 * Creates a callback that stops training after a step whose loss is NaN or infinite, like `TerminateOnNaN` of Keras 3
 * (callbacks/terminate_on_nan.py). The property `stopped` of the history then contains the epoch and the step.
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
