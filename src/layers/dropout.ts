import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock } from './block.js';

/**
 * Creates a dropout layer. In training, the layer sets each value to 0 with probability `rate` and divides the other values by `1 - rate`.
 * In inference, it returns its input unchanged. The layer accepts inputs of any shape. Equivalent to Keras 3 `Dropout`
 * (layers/regularization/dropout.py). The mask depends only on the run's seed, the epoch and the step, so a resumed run drops the same
 * values.
 *
 * Source: N. Srivastava et al., Dropout, 2014.
 *
 * @param rate - Probability that a value is dropped, at least 0 and below 1.
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @throws An `argument` error for a rate outside its range.
 * @example
 * ```ts
 * import { branch, dense, dropout, flatten } from 'tfjs-multitask';
 *
 * console.log(branch([flatten(), dense(16), dropout(0.3)]).layerStack.length); // 3
 * ```
 * @category Compose
 */
export function dropout(rate: number): Block {
  checks.noOptions('dropout', arguments[1]);
  checks.number('dropout.rate', rate, {
    min: 0,
    below: 1,
    advice: 'Pass the fraction of inputs to drop, for example 0.3.',
  });
  return createLayerBlock('dropout', (name) => tf.layers.dropout({ name, rate }));
}
