import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import type { Json } from '../core/json.js';

/**
 * Activation of a classification head: `sigmoid` for two labels, `softmax` for several.
 *
 * @category Losses and metrics
 */
export type LogitActivation = 'sigmoid' | 'softmax';

/**
 * Loss as a function of the logits, which are the inputs of the head's activation.
 *
 * @category Losses and metrics
 */
export interface LogitLoss {
  /** Activation that converts the logits to the predictions that {@link Loss.perExample} receives. */
  readonly activation: LogitActivation;
  /** Computes the loss of each example: `[batch]`. `logits` and `target` have the shape `[batch, units]`. */
  perExample(logits: Tensor2D, target: Tensor2D): Tensor1D;
}

/**
 * Loss function that computes one value for each prediction in a batch. The caller applies weights and masks and computes the mean over the
 * batch, so that training, validation and figures use the same function.
 *
 * @category Losses and metrics
 */
export interface Loss {
  /** Name of the loss as in Keras, such as `mean_squared_error`. */
  readonly name: string;
  /** Options that affect the value of the loss. A run can only be resumed if these options are unchanged. */
  readonly options: { readonly [option: string]: Json };
  /**
   * Computes the loss of each example as a tensor of shape `[batch]`, without reducing it over the batch. The function must be
   * differentiable with respect to `prediction`, and must not use random numbers or `dataSync`.
   *
   * - `prediction`: `[batch, units]`, float32, after the activation of the head.
   * - `target`: `[batch, units]`, float32.
   */
  perExample(prediction: Tensor2D, target: Tensor2D): Tensor1D;
  /**
   * The same loss as a function of the logits. `fit` and `evaluate` use it instead of `perExample` if the head ends with the activation of
   * `fromLogits`, because the gradient through a saturated sigmoid or softmax is 0. Default: undefined, and `perExample` is always used.
   */
  readonly fromLogits?: LogitLoss;
}

/**
 * Creates a loss from a function of TensorFlow.js operations.
 *
 * @param name - Name of the loss in checkpoints and errors. Change it when you change the formula, so that a run with the old formula
 * cannot be resumed.
 * @param perExample - Function that computes the loss of each example. See {@link Loss.perExample} for the shapes.
 * @returns A loss for any task.
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
  checks.noOptions('customLoss', arguments[2]);
  const advice = "Write customLoss('mine', (prediction, target) => ...).";
  checks.string('customLoss.name', name, { noun: 'the name of the loss', advice });
  checks.callable('customLoss.perExample', perExample, { advice });
  return { name, options: {}, perExample };
}
