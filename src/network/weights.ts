import { formatShape, type HostArray } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import type { Weight } from '../layers/patched/forwardContext.js';
import { tf } from '../tensor/tf.js';
import { getLayers, type LayerGraph } from './layerGraph.js';
import type { Network } from './network.js';

/**
 * Weights of a model as arrays in host memory, keyed by weight name. The arrays include the moving statistics of batch normalization.
 *
 * @category Callbacks
 */
export interface Weights {
  readonly [name: string]: HostArray;
}

/** Returns the weights of all layers that a graph calls. */
export const getGraphWeights = (graph: LayerGraph): Weight[] =>
  getLayers(graph).flatMap((layer) => layer.weights);

/** Returns a copy of the current weights of a network, keyed by name. The copy includes the moving statistics of batch normalization. */
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
 * Restores weights that {@link readWeights} returned, in the same network or in another network with the same layers.
 *
 * @throws `checkpoint` error for a weight that is missing or has a different shape.
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
        advice: 'Pass weights that were read from the same network.',
      });
    }
    const tensor = tf.tensor(saved.data, [...saved.shape]);
    weight.write(tensor);
    tensor.dispose();
  }
}
