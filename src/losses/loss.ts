import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Json } from '../core/json.js';

/**
 * A loss as a pure function: how wrong each prediction of a batch is. Weights, masks and the mean over the batch
 * belong to the caller, so that one function serves training, validation and figures alike.
 *
 * @category Losses and metrics
 */
export interface Loss {
  /** Keras's name, `mean_squared_error`. */
  readonly name: string;
  /** What changes the numbers beside the name; part of a checkpoint's digest. */
  readonly options: { readonly [option: string]: Json };
  /**
   * `prediction` and `target`: `[batch, units]`, float32, the prediction after the head's activation. Returns
   * `[batch]`, unreduced over the batch. Differentiable in `prediction`; no randomness, no `dataSync`.
   */
  perExample(prediction: Tensor2D, target: Tensor2D): Tensor1D;
}

/**
 * A loss of your own, written in TensorFlow.js operations.
 *
 * @param name - Its name in checkpoints and errors; change it when you change the formula.
 * @param perExample - `(prediction, target) -> loss per example`; see {@link Loss.perExample} for the shapes.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { customLoss, regression } from 'tfjs-multitask';
 *
 * const logCosh = customLoss('log_cosh', (prediction, target) =>
 *   tf.mean(tf.log(tf.cosh(tf.sub(prediction, target))), 1),
 * );
 * console.log(regression({ unit: 'years', loss: logCosh }).loss.name); // log_cosh
 * ```
 * @category Losses and metrics
 */
export function customLoss(name: string, perExample: Loss['perExample']): Loss {
  return { name, options: {}, perExample };
}
