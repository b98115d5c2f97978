import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { countElements } from '../core/arrays.js';
import type { Weight } from '../layers/patched/forwardContext.js';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';

/** Returns the weights that training changes, in the order of the model. The weights of frozen layers are not included. */
export function getTrainableWeights(network: Network): Weight[] {
  return network.layersModel.layers.flatMap((layer) => (layer.trainable ? layer.trainableWeights : []));
}

/** Returns the number of elements of all trainable weights, which is the length of every slot. */
export function countTrainableParams(network: Network): number {
  return getWeightSizes(getTrainableWeights(network)).reduce((sum, size) => sum + size, 0);
}

/** Splits a vector over all trainable weights into one tensor for each weight. */
export function splitByWeight(flat: Tensor1D, weights: readonly Weight[]): Tensor[] {
  return tf.tidy(() =>
    tf.split(flat, getWeightSizes(weights)).map((part, i) => tf.reshape(part, weights[i]!.shape as number[])),
  );
}

/** Returns the number of elements of each weight. */
export const getWeightSizes = (weights: readonly Weight[]) =>
  weights.map(({ shape }) => countElements(shape));

/** Concatenates tensors into one vector. */
export const flattenTensors = (tensors: readonly Tensor[]) =>
  tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as Tensor1D;
