import type { Callback } from '../training/callback.js';

/**
 * Stops training after the step whose loss is not a finite number, as Keras 3 `TerminateOnNaN`
 * (callbacks/terminate_on_nan.py).
 *
 * @example
 * ```ts
 * import { terminateOnNaN } from 'tfjs-multitask';
 *
 * console.log(terminateOnNaN().name); // terminateOnNaN
 * ```
 * @category Callbacks
 */
export function terminateOnNaN(): Callback {
  return {
    name: 'terminateOnNaN',
    create: (run) => ({
      onBatchEnd: ({ epoch, batch, loss }) => {
        if (!Number.isFinite(loss)) run.stop(`the loss was ${loss} in epoch ${epoch}, step ${batch}`);
      },
    }),
  };
}
