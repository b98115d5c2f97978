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
  return countParams(getTrainableWeights(network));
}

/** Splits a vector that contains all trainable weights into one tensor per weight, each in the shape of its weight. */
export function splitByWeight(flat: Tensor1D, weights: readonly Weight[]): Tensor[] {
  return tf.tidy(() =>
    tf.split(flat, getWeightSizes(weights)).map((part, i) => tf.reshape(part, weights[i]!.shape as number[])),
  );
}

/** Weights that the optimizer updates together, as one tensor: the tensor of a single weight, or the vector of several weights. */
export type WeightGroup = readonly Weight[];

/** Number of parameters above which a weight is updated separately. */
const MAX_GROUPED_SIZE = 2 ** 14;

/**
 * Groups weights for updates in a compiled graph: each large weight is one group, and all small weights together are one group. Copying
 * large weights into a vector would take longer than their update, and the update of a small weight takes less time than to start a dozen
 * operations for it.
 */
export function groupBySize(weights: readonly Weight[]): readonly WeightGroup[] {
  const isLarge = (weight: Weight) => getWeightSizes([weight])[0]! > MAX_GROUPED_SIZE;
  const smallWeights = weights.filter((weight) => !isLarge(weight));
  const largeWeights = weights.filter(isLarge).map((weight) => [weight]);
  return smallWeights.length > 0 ? [smallWeights, ...largeWeights] : largeWeights;
}

/** Returns the shape of the tensor that contains the weights of a group. */
export function getGroupShape(group: WeightGroup): readonly number[] {
  return group.length === 1 ? (group[0]!.shape as number[]) : [countParams(group)];
}

/** Creates the tensor of a group from one tensor per weight. */
export const joinGroup = (tensors: readonly Tensor[]): Tensor =>
  tensors.length === 1 ? tensors[0]! : flattenTensors(tensors);

/** Splits the tensor of a group into one tensor per weight. */
export const splitGroup = (tensor: Tensor, group: WeightGroup): readonly Tensor[] =>
  group.length === 1 ? [tensor] : splitByWeight(tensor as Tensor1D, group);

/** Returns the number of parameters in each weight. */
export const getWeightSizes = (weights: readonly Weight[]) =>
  weights.map(({ shape }) => countElements(shape));

const countParams = (weights: readonly Weight[]) =>
  getWeightSizes(weights).reduce((sum, size) => sum + size, 0);

/** Flattens tensors and concatenates them into one vector. */
export const flattenTensors = (tensors: readonly Tensor[]) =>
  tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as Tensor1D;
