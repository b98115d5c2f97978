import type { Tensor } from '@tensorflow/tfjs';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';

/** Σ of the L2 and L1 penalties of the layers that are trained: a frozen layer pays none, as in Keras. */
export function computeRegularizationLoss(network: Network): Tensor {
  const penalties = network.layersModel.layers.flatMap((layer) =>
    layer.trainable ? layer.calculateLosses() : [],
  );
  return penalties.length === 0 ? tf.scalar(0) : tf.addN(penalties);
}
