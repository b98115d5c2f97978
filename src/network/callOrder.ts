import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { tf } from '../tensor/tf.js';

/** One call of a layer, as TensorFlow.js stores it. */
export type LayerNode = tf.layers.Layer['inboundNodes'][number];

/** A call together with its layer. */
export interface LayerNodeRef {
  readonly node: LayerNode;
  readonly layer: tf.layers.Layer;
}

/** Returns the call whose output is `tensor`. */
export const getSourceNode = (tensor: SymbolicTensor): LayerNode =>
  tensor.sourceLayer.inboundNodes[tensor.nodeIndex]!;

/** Depths of calls and layers: the length of the longest path to an output. */
export interface CallDepths {
  /** Depths of calls, in the order in which Keras visits the calls. */
  readonly byNode: ReadonlyMap<LayerNode, number>;
  /** Depths of layers. The depth of a layer is the largest depth of its calls. */
  readonly byLayer: ReadonlyMap<tf.layers.Layer, number>;
}

/**
 * Computes the depths of calls like `map_graph` in Keras 3 (ops/function.py): the depth of a call of a shared layer is at least the depth
 * of the calls of the same layer that were visited earlier.
 *
 * @param steps - Calls in execution order: each call follows the calls whose outputs it reads.
 */
export function computeCallDepths(steps: readonly LayerNodeRef[]): CallDepths {
  const byNode = new Map<LayerNode, number>();
  const byLayer = new Map<tf.layers.Layer, number>();
  for (const { node, layer } of [...steps].reverse()) {
    const depth = Math.max(byNode.get(node) ?? 0, byLayer.get(layer) ?? 0);
    byNode.set(node, depth);
    byLayer.set(layer, depth);
    if (layer.getClassName() === 'InputLayer') continue;
    for (const source of node.inputTensors) {
      const sourceNode = getSourceNode(source);
      byNode.set(sourceNode, Math.max(depth + 1, byNode.get(sourceNode) ?? 0));
    }
  }
  return { byNode, byLayer };
}

/**
 * Sorts calls in the order in which Keras runs them: by decreasing depth, and calls of equal depth in the order in which Keras visits them.
 */
export function sortInKerasOrder<S extends LayerNodeRef>(steps: readonly S[]): S[] {
  const { byNode } = computeCallDepths(steps);
  const visitOrder = new Map([...byNode.keys()].map((node, i) => [node, i]));
  return [...steps].sort(
    (a, b) => byNode.get(b.node)! - byNode.get(a.node)! || visitOrder.get(a.node)! - visitOrder.get(b.node)!,
  );
}
