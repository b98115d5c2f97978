import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { tf } from '../tensor/tf.js';

/** One call of a layer, as TensorFlow.js keeps it. */
export type LayerNode = tf.layers.Layer['inboundNodes'][number];

/** A call and its layer. */
export interface LayerNodeRef {
  readonly node: LayerNode;
  readonly layer: tf.layers.Layer;
}

/** The call that made a tensor. */
export const getSourceNode = (tensor: SymbolicTensor): LayerNode =>
  tensor.sourceLayer.inboundNodes[tensor.nodeIndex]!;

/** How far above the outputs calls and layers stand. */
export interface CallDepths {
  /** In the order in which Keras meets them. */
  readonly byNode: ReadonlyMap<LayerNode, number>;
  /** As far as the farthest of its calls. */
  readonly byLayer: ReadonlyMap<tf.layers.Layer, number>;
}

/**
 * The depths of calls, given after those they read. Same as Keras 3 `map_graph` (ops/function.py): a call of a layer that is
 * shared stands no lower than those that were met before it.
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
      const above = getSourceNode(source);
      byNode.set(above, Math.max(depth + 1, byNode.get(above) ?? 0));
    }
  }
  return { byNode, byLayer };
}

/** The same calls in the order in which Keras makes them: the deepest first, then as it met them. */
export function sortInKerasOrder<S extends LayerNodeRef>(steps: readonly S[]): S[] {
  const { byNode } = computeCallDepths(steps);
  const met = new Map([...byNode.keys()].map((node, i) => [node, i]));
  return [...steps].sort(
    (a, b) => byNode.get(b.node)! - byNode.get(a.node)! || met.get(a.node)! - met.get(b.node)!,
  );
}
