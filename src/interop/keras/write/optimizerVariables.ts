import type { Hdf5Dataset } from '../../../formats/hdf5/hdf5Group.js';
import type { Optimizer } from '../../../optimizers/optimizer.js';
import { toOptimizerConfig } from './compileConfig.js';
import type { KerasGraph } from './kerasGraph.js';
import type { OptimizerVariables } from './weightGroups.js';

/** State of an optimizer. */
export interface OptimizerSnapshot {
  /** Batches processed so far. */
  readonly iterations: number;
  /** Learning rate, if it is a number and not a schedule. */
  readonly learningRate: number | undefined;
  /** Names of the trained weights, in the order of the vectors. */
  readonly weightNames: readonly string[];
  /**
   * Slots of the update rule, by name. Each vector contains the values of all trained weights, one after
   * another.
   */
  readonly slotVectors: { readonly [slot: string]: Float32Array };
  /** Sum of the gradients since the last update, in the same order. */
  readonly accumulatedGradients: Float32Array | undefined;
}

/**
 * Creates the variables of an optimizer in the order of Keras 3 (optimizers/base_optimizer.py, adam.py,
 * sgd.py): the count of batches, the learning rate if it is a number, the accumulated gradients of each
 * weight, then all slots of the first trained weight, all of the second, and so on, in the order of the
 * layers. This library stores one vector per slot instead.
 */
export function createOptimizerVariables(
  graph: KerasGraph,
  optimizer: Optimizer,
  standing: OptimizerSnapshot,
): OptimizerVariables {
  const { iterations, learningRate, weightNames, slotVectors, accumulatedGradients } = standing;
  const shapes = new Map(
    graph.layers.flatMap(({ stockLayer }) =>
      (stockLayer?.weights ?? []).map((weight) => [weight.originalName, weight.shape as number[]] as const),
    ),
  );
  const sizeOf = (name: string) => (shapes.get(name) ?? []).reduce((product, side) => product * side, 1);
  const places = new Map<string, number>();
  let at = 0;
  for (const name of weightNames) {
    places.set(name, at);
    at += sizeOf(name);
  }
  const order = graph.layers
    .flatMap(({ stockLayer }) => (stockLayer?.trainable ? stockLayer.trainableWeights : []))
    .map(({ originalName }) => originalName)
    .filter((name) => places.has(name));
  const part = (vector: Float32Array, name: string): Hdf5Dataset => {
    const start = places.get(name)!;
    return { shape: shapes.get(name)!, data: vector.slice(start, start + sizeOf(name)) };
  };
  const scalar = (data: Hdf5Dataset['data']): Hdf5Dataset => ({ shape: [], data });
  return {
    name: toOptimizerConfig(optimizer).config.name as string,
    variables: [
      scalar(BigInt64Array.of(BigInt(iterations))),
      ...(learningRate === undefined ? [] : [scalar(Float32Array.of(learningRate))]),
      ...(accumulatedGradients ? order.map((name) => part(accumulatedGradients, name)) : []),
      ...order.flatMap((name) => optimizer.rule.slots.map((own) => part(slotVectors[own]!, name))),
    ],
  };
}
