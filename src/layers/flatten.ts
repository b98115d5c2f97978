import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock } from './block.js';

/**
 * `[batch, height, width, channels]` in, `[batch, height · width · channels]` out, row by row. Same as Keras 3
 * `Flatten` (layers/reshaping/flatten.py).
 *
 * @example
 * ```ts
 * import { branch, dense, flatten } from 'tfjs-multitask';
 *
 * console.log(branch([flatten(), dense(16)]).pieces.length); // 2
 * ```
 * @category Compose
 */
export function flatten(): Block {
  return createLayerBlock('flatten', (name) => tf.layers.flatten({ name }));
}
