import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock } from './block.js';
import { type Activation, checkActivation } from './conv.js';

/**
 * Creates an activation layer, for example after a residual block or after batch normalization.
 *
 * @param kind - Name of the activation.
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @example
 * ```ts
 * import { activation, batchNorm, conv, sharedTrunk } from 'tfjs-multitask';
 *
 * const trunk = sharedTrunk([conv(64, 3, { activation: 'linear' }), batchNorm(), activation('relu')]);
 * console.log(trunk.layerStack.length); // 3
 * ```
 * @category Compose
 */
export function activation(kind: Activation): Block {
  checks.noOptions('activation', arguments[1]);
  checkActivation('activation', kind);
  return createLayerBlock(kind, (name) => tf.layers.activation({ name, activation: kind }));
}
