import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { tf } from '../tensor/tf.js';

/** One call of a layer, as TensorFlow.js records it in `layer.inboundNodes`. */
export type LayerNode = tf.layers.Layer['inboundNodes'][number];

/** A call of a layer together with the layer. */
export interface LayerNodeRef {
  readonly node: LayerNode;
  readonly layer: tf.layers.Layer;
}

/** Returns the layer call that has `tensor` as an output. */
export const getSourceNode = (tensor: SymbolicTensor): LayerNode =>
  tensor.sourceLayer.inboundNodes[tensor.nodeIndex]!;

/** Depths of layer calls and layers: the number of calls on the longest path to an output of the model. */
export interface CallDepths {
  /** Depth of each call, in the order in which Keras visits the calls. */
  readonly byNode: ReadonlyMap<LayerNode, number>;
  /** Depth of each layer, which is the largest depth of its calls. */
  readonly byLayer: ReadonlyMap<tf.layers.Layer, number>;
}

/**
 * Computes the depths of layer calls like `map_graph` in Keras 3 (ops/function.py). If a shared layer is called several times, the depth of
 * a call is at least the depth of the calls of that layer that were visited earlier.
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
 * Sorts layer calls in the order in which Keras runs them: by decreasing depth. Calls of equal depth are in the order in which Keras visits
 * them.
 */
export function sortInKerasOrder<S extends LayerNodeRef>(steps: readonly S[]): S[] {
  const { byNode } = computeCallDepths(steps);
  const visitOrder = new Map([...byNode.keys()].map((node, i) => [node, i]));
  return [...steps].sort(
    (a, b) => byNode.get(b.node)! - byNode.get(a.node)! || visitOrder.get(a.node)! - visitOrder.get(b.node)!,
  );
}
