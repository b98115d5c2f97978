import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock } from './block.js';

/**
 * Options of {@link lowerBatchNorm}.
 *
 * @category Compose
 */
export interface BatchNormOptions {
  /** Share of the moving statistics kept at each step, 0 up to 1; default 0.99. */
  readonly momentum?: number;
  /** Added to the variance; default 1e-3. */
  readonly epsilon?: number;
}

/**
 * Batch normalisation over the channels: in training by the batch's own mean and (biased) variance, otherwise by their
 * moving averages. Any shape with the channels last. Same as Keras 3 `BatchNormalization`
 * (layers/normalization/batch_normalization.py).
 *
 * With momentum 0.99 validation means little before a few hundred steps; a short run wants small batches or a smaller
 * momentum.
 *
 * Source: S. Ioffe and C. Szegedy, Batch normalization, 2015.
 *
 * @throws `argument` fault for a momentum out of its range.
 * @example
 * ```ts
 * import { batchNorm, conv, maxPool, sharedTrunk } from 'tfjs-multitask';
 *
 * console.log(sharedTrunk([conv(64, 3), maxPool(2), batchNorm()]).pieces.length); // 3
 * ```
 * @category Compose
 */
export function batchNorm({ momentum = 0.99, epsilon = 1e-3 }: BatchNormOptions = {}): Block {
  checks.number('batchNorm.momentum', momentum, { min: 0, below: 1, defaultValue: 0.99 });
  return createLayerBlock('bn', (name) => tf.layers.batchNormalization({ name, momentum, epsilon }));
}
