import { formatShape, type HostArray } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import type { Weight } from '../layers/patched/forwardContext.js';
import { tf } from '../tensor/tf.js';
import { getLayers, type LayerGraph } from './layerGraph.js';
import type { Network } from './network.js';

/**
 * Weights of a model as named arrays in host memory, including moving statistics.
 *
 * @category Callbacks
 */
export interface Weights {
  readonly [name: string]: HostArray;
}

/** Returns the weights of a graph's layers. */
export const getGraphWeights = (graph: LayerGraph): Weight[] =>
  getLayers(graph).flatMap((layer) => layer.weights);

/** Returns a copy of the current weights of the network's layers, keyed by name, including moving statistics. */
export async function readWeights({ graph, weightSync }: Network): Promise<Weights> {
  weightSync.sync();
  const weights: Record<string, Weights[string]> = {};
  for (const weight of getGraphWeights(graph)) {
    const data = (await weight.read().data()) as Float32Array;
    weights[weight.originalName] = { shape: weight.shape as number[], data: data.slice() };
  }
  return weights;
}

/**
 * Writes a copy from {@link readWeights} into the same network, or into a network with the same layers.
 *
 * @throws `checkpoint` error for weights that are missing or have another shape.
 */
export function writeWeights({ graph }: Network, weights: Weights): void {
  for (const weight of getGraphWeights(graph)) {
    const saved = weights[weight.originalName];
    if (!saved || saved.shape.join() !== (weight.shape as number[]).join()) {
      throw createError({
        kind: 'checkpoint',
        path: weight.originalName,
        expected: `a weight of shape ${formatShape(weight.shape)}`,
        received: saved ? `a weight of shape ${formatShape(saved.shape)}` : 'no weight with this name',
        advice: 'Pass the weights of a run with the same network.',
      });
    }
    const tensor = tf.tensor(saved.data, [...saved.shape]);
    weight.write(tensor);
    tensor.dispose();
  }
}
