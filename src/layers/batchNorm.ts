import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock } from './block.js';

/**
 * Options for {@link batchNorm}.
 *
 * @category Compose
 */
export interface BatchNormOptions {
  /** Momentum of the moving averages: the fraction of the old value that remains after each step. At least 0 and below 1. Default 0.99. */
  readonly momentum?: number;
  /** Small constant that is added to the variance to avoid division by zero. Default 1e-3. */
  readonly epsilon?: number;
}

/**
 * Creates a batch normalization layer over the channels. In training, the layer normalizes with the mean and the (biased) variance of the
 * batch, and in inference with their moving averages. The layer accepts inputs of any shape with the channels last. Equivalent to Keras 3
 * `BatchNormalization` (layers/normalization/batch_normalization.py).
 *
 * With the default momentum, the moving averages, and therefore the validation loss, are inaccurate during the first few hundred steps. Use
 * a smaller momentum or smaller batches for a short run.
 *
 * Source: S. Ioffe and C. Szegedy, Batch normalization, 2015.
 *
 * @param options - `momentum`: default 0.99. `epsilon`: default 1e-3.
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @throws An `argument` error for a `momentum` outside its range.
 * @example
 * ```ts
 * import { batchNorm, conv, maxPool, sharedTrunk } from 'tfjs-multitask';
 *
 * console.log(sharedTrunk([conv(64, 3), maxPool(2), batchNorm()]).layerStack.length); // 3
 * ```
 * @category Compose
 */
export function batchNorm(options: BatchNormOptions = {}): Block {
  checks.options('batchNorm', options, { momentum: true, epsilon: true });
  const { momentum = 0.99, epsilon = 1e-3 } = options;
  checks.number('batchNorm.epsilon', epsilon, { min: 0, defaultValue: 1e-3 });
  checks.number('batchNorm.momentum', momentum, { min: 0, below: 1, defaultValue: 0.99 });
  return createLayerBlock('bn', (name) => tf.layers.batchNormalization({ name, momentum, epsilon }));
}
