import type { Hdf5Dataset } from '../../../formats/hdf5/hdf5Group.js';
import type { Optimizer } from '../../../optimizers/optimizer.js';
import { toOptimizerConfig } from './compileConfig.js';
import type { KerasGraph } from './kerasGraph.js';
import type { OptimizerVariables } from './weightGroups.js';

/** State of an optimizer that is written to a Keras file. */
export interface OptimizerSnapshot {
  /** Number of batches processed so far. */
  readonly iterations: number;
  /** Current learning rate. Undefined if the learning rate follows a schedule. */
  readonly learningRate: number | undefined;
  /** Names of the trained weights, in the order in which `slotVectors` contains their values. */
  readonly weightNames: readonly string[];
  /**
   * Values of the optimizer slots, such as the momentum, keyed by slot name. Each vector is the concatenation of the values of all trained
   * weights.
   */
  readonly slotVectors: { readonly [slot: string]: Float32Array };
  /** Sum of the gradients since the last update, as one vector in the order of `weightNames`. Undefined without gradient accumulation. */
  readonly accumulatedGradients: Float32Array | undefined;
}

/**
 * Creates the variables of an optimizer in the order of Keras 3 (optimizers/base_optimizer.py, adam.py,
 * sgd.py): the number of batches, the learning rate if it is a plain number, the accumulated gradients of each
 * weight, then all slots of the first trained weight, all slots of the second, and so on, in layer order. This
 * library stores one vector per slot instead.
 */
export function createOptimizerVariables(
  graph: KerasGraph,
  optimizer: Optimizer,
  snapshot: OptimizerSnapshot,
): OptimizerVariables {
  const { iterations, learningRate, weightNames, slotVectors, accumulatedGradients } = snapshot;
  const shapes = new Map(
    graph.layers.flatMap(({ stockLayer }) =>
      (stockLayer?.weights ?? []).map((weight) => [weight.originalName, weight.shape as number[]] as const),
    ),
  );
  const getWeightSize = (name: string) =>
    (shapes.get(name) ?? []).reduce((product, side) => product * side, 1);
  const offsets = new Map<string, number>();
  let at = 0;
  for (const name of weightNames) {
    offsets.set(name, at);
    at += getWeightSize(name);
  }
  const weightOrder = graph.layers
    .flatMap(({ stockLayer }) => (stockLayer?.trainable ? stockLayer.trainableWeights : []))
    .map(({ originalName }) => originalName)
    .filter((name) => offsets.has(name));
  const getWeightPart = (vector: Float32Array, name: string): Hdf5Dataset => {
    const start = offsets.get(name)!;
    return { shape: shapes.get(name)!, data: vector.slice(start, start + getWeightSize(name)) };
  };
  const createScalar = (data: Hdf5Dataset['data']): Hdf5Dataset => ({ shape: [], data });
  return {
    name: toOptimizerConfig(optimizer).config.name as string,
    variables: [
      createScalar(BigInt64Array.of(BigInt(iterations))),
      ...(learningRate === undefined ? [] : [createScalar(Float32Array.of(learningRate))]),
      ...(accumulatedGradients ? weightOrder.map((name) => getWeightPart(accumulatedGradients, name)) : []),
      ...weightOrder.flatMap((name) =>
        optimizer.rule.slots.map((slotName) => getWeightPart(slotVectors[slotName]!, name)),
      ),
    ],
  };
}
