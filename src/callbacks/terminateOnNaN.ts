import type { StatelessCallback } from '../training/callback.js';

/**
 * Returns a callback that stops training after a step whose loss is not a finite number. Same as Keras 3 `TerminateOnNaN`
 * (callbacks/terminate_on_nan.py). The history then says in `stopped` which step it was.
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
