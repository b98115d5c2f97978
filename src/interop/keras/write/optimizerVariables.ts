import type { Hdf5Dataset } from '../../../formats/hdf5/hdf5Group.js';
import type { Optimizer } from '../../../optimizers/optimizer.js';
import { toOptimizerConfig } from './compileConfig.js';
import type { KerasGraph } from './kerasGraph.js';
import type { OptimizerVariables } from './weightGroups.js';

/** Where an optimiser stands. */
export interface OptimizerSnapshot {
  /** Batches seen. */
  readonly iterations: number;
  /** The rate, where it is a number. */
  readonly learningRate: number | undefined;
  /** Names of the weights that the vectors go through, in their order. */
  readonly weightNames: readonly string[];
  /** What is kept for each trained weight, all of them end to end: the rule's slots by name. */
  readonly slotVectors: { readonly [slot: string]: Float32Array };
  /** The sum of the gradients that wait for an update, the same way. */
  readonly accumulatedGradients: Float32Array | undefined;
}

/**
 * An optimiser's variables as Keras 3 creates them (optimizers/base_optimizer.py, adam.py, sgd.py): the count of batches,
 * the rate where it is a number, the gradients that wait, weight by weight, and then all slots of the first trained
 * weight, all of the second, and so on, in the order of the layers. Ours are vectors, one a slot.
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
