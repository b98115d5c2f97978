import type { Tensor } from '@tensorflow/tfjs';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';

/** Returns the sum of the L1 and L2 penalties of the trainable layers. Frozen layers have no penalty, as in Keras. */
export function computeRegularizationLoss(network: Network): Tensor {
  const penalties = network.layersModel.layers.flatMap((layer) =>
    layer.trainable ? layer.calculateLosses() : [],
  );
  return penalties.length === 0 ? tf.scalar(0) : tf.addN(penalties);
}
