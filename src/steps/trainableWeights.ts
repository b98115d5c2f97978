import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { countElements } from '../core/arrays.js';
import type { Weight } from '../layers/patched/forwardContext.js';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';

/**
 * Returns the weights that the optimizer updates, in the order of the model's layers. Weights of frozen layers and moving statistics are
 * not included.
 */
export function getTrainableWeights(network: Network): Weight[] {
  return network.layersModel.layers.flatMap((layer) => (layer.trainable ? layer.trainableWeights : []));
}

/** Returns the number of trainable parameters, which is also the length of every optimizer slot. */
export function countTrainableParams(network: Network): number {
  return getWeightSizes(getTrainableWeights(network)).reduce((sum, size) => sum + size, 0);
}

/** Splits a vector that contains all trainable weights into one tensor per weight, each in the shape of its weight. */
export function splitByWeight(flat: Tensor1D, weights: readonly Weight[]): Tensor[] {
  return tf.tidy(() =>
    tf.split(flat, getWeightSizes(weights)).map((part, i) => tf.reshape(part, weights[i]!.shape as number[])),
  );
}

/** Returns the number of parameters in each weight. */
export const getWeightSizes = (weights: readonly Weight[]) =>
  weights.map(({ shape }) => countElements(shape));

/** Flattens tensors and concatenates them into one vector. */
export const flattenTensors = (tensors: readonly Tensor[]) =>
  tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as Tensor1D;
