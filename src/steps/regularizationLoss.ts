import type { Tensor } from '@tensorflow/tfjs';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';

/** Returns the sum of the L1 and L2 penalties of all trainable layers, as a scalar. As in Keras, frozen layers are not penalized. */
export function computeRegularizationLoss(network: Network): Tensor {
  const penalties = network.layersModel.layers.flatMap((layer) =>
    layer.trainable ? layer.calculateLosses() : [],
  );
  return penalties.length === 0 ? tf.scalar(0) : tf.addN(penalties);
}
