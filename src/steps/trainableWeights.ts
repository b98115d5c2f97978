import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { countElements } from '../core/arrays.js';
import type { Weight } from '../layers/own/forwardContext.js';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';

/** The weights that training changes, in the model's order. Frozen layers have none. */
export function getTrainableWeights(network: Network): Weight[] {
  return network.layersModel.layers.flatMap((layer) => (layer.trainable ? layer.trainableWeights : []));
}

/** How many numbers the trained weights have in all: the length of every slot. */
export function countTrainableParams(network: Network): number {
  return getWeightSizes(getTrainableWeights(network)).reduce((sum, size) => sum + size, 0);
}

/** A vector over all trained weights end to end, as one tensor a weight. */
export function splitByWeight(flat: Tensor1D, weights: readonly Weight[]): Tensor[] {
  return tf.tidy(() =>
    tf.split(flat, getWeightSizes(weights)).map((part, i) => tf.reshape(part, weights[i]!.shape as number[])),
  );
}

/** How many numbers each of the weights has. */
export const getWeightSizes = (weights: readonly Weight[]) =>
  weights.map(({ shape }) => countElements(shape));

export const flattenTensors = (tensors: readonly Tensor[]) =>
  tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as Tensor1D;
