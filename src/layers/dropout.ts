import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock } from './block.js';

/**
 * In training each number is dropped with probability `rate` and the rest divided by `1 - rate`; otherwise the
 * identity. Any shape. Same as Keras 3 `Dropout` (layers/regularization/dropout.py); the mask is drawn from the run's
 * seed, the epoch and the step, so a resumed run drops the same units.
 *
 * Source: N. Srivastava et al., Dropout, 2014.
 *
 * @param rate - 0 up to, not including, 1.
 * @throws `argument` fault for a rate out of its range.
 * @example
 * ```ts
 * import { branch, dense, dropout, flatten } from 'tfjs-multitask';
 *
 * console.log(branch([flatten(), dense(16), dropout(0.3)]).pieces.length); // 3
 * ```
 * @category Compose
 */
export function dropout(rate: number): Block {
  checks.number('dropout.rate', rate, {
    min: 0,
    below: 1,
    advice: 'Give the fraction of inputs to drop, for example 0.3.',
  });
  return createLayerBlock('dropout', (name) => tf.layers.dropout({ name, rate }));
}
