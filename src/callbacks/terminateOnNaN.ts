import * as checks from '../core/errors/checks.js';
import type { StatelessCallback } from '../training/callback.js';

/**
 * Creates a callback that stops training after a step whose loss is NaN or infinite, like `TerminateOnNaN` in Keras 3
 * (callbacks/terminate_on_nan.py). The `stopped` property of the history then contains the epoch and the step.
 *
 * @returns A callback for the `callbacks` option of `fit`.
 * @example
 * ```ts
 * import { terminateOnNaN } from 'tfjs-multitask';
 *
 * console.log(terminateOnNaN().name); // terminateOnNaN
 * ```
 * @category Callbacks
 */
export function terminateOnNaN(): StatelessCallback {
  checks.noOptions('terminateOnNaN', arguments[0]);
  return {
    name: 'terminateOnNaN',
    onBatchEnd: ({ epoch, batch, loss }, run) => {
      if (!Number.isFinite(loss)) run.stop(`the loss was ${loss} in epoch ${epoch}, step ${batch}`);
    },
  };
}
