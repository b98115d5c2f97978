import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock } from './block.js';
import type { Activation } from './conv.js';

/**
 * An activation on its own, for after a residual sum or between batch normalisation and the next layer.
 *
 * @example
 * ```ts
 * import { activation, batchNorm, conv, sharedTrunk } from 'tfjs-multitask';
 *
 * const trunk = sharedTrunk([conv(64, 3, { activation: 'linear' }), batchNorm(), activation('relu')]);
 * console.log(trunk.pieces.length); // 3
 * ```
 * @category Compose
 */
export function activation(kind: Activation): Block {
  return createLayerBlock(kind, (name) => tf.layers.activation({ name, activation: kind }));
}
