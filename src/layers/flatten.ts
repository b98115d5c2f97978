import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock } from './block.js';

/**
 * Creates a layer that flattens feature maps to vectors, row by row. Equivalent to Keras 3 `Flatten` (layers/reshaping/flatten.py).
 *
 * - Input: `[batch, height, width, channels]`.
 * - Output: `[batch, height · width · channels]`.
 *
 * @returns A block for {@link branch}.
 * @example
 * ```ts
 * import { branch, dense, flatten } from 'tfjs-multitask';
 *
 * console.log(branch([flatten(), dense(16)]).layerStack.length); // 2
 * ```
 * @category Compose
 */
export function flatten(): Block {
  checks.noOptions('flatten', arguments[0]);
  return createLayerBlock('flatten', (name) => tf.layers.flatten({ name }));
}
