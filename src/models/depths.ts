import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { tf } from '../tensor/tf.js';

/** One call of a layer, as TensorFlow.js keeps it. */
export type Node = tf.layers.Layer['inboundNodes'][number];

/** A call and its layer. */
export interface Step {
  readonly node: Node;
  readonly layer: tf.layers.Layer;
}

/** The call that made a tensor. */
export const nodeOf = (tensor: SymbolicTensor): Node => tensor.sourceLayer.inboundNodes[tensor.nodeIndex]!;

/** How far above the outputs calls and layers stand. */
export interface Depths {
  /** In the order in which Keras meets them. */
  readonly ofNode: ReadonlyMap<Node, number>;
  /** As far as the farthest of its calls. */
  readonly ofLayer: ReadonlyMap<tf.layers.Layer, number>;
}

/**
 * The depths of calls, given after those they read. Same as Keras 3 `map_graph` (ops/function.py): a call of a layer that is
 * shared stands no lower than those that were met before it.
 */
export function depthsOf(steps: readonly Step[]): Depths {
  const ofNode = new Map<Node, number>();
  const ofLayer = new Map<tf.layers.Layer, number>();
  for (const { node, layer } of [...steps].reverse()) {
    const depth = Math.max(ofNode.get(node) ?? 0, ofLayer.get(layer) ?? 0);
    ofNode.set(node, depth);
    ofLayer.set(layer, depth);
    if (layer.getClassName() === 'InputLayer') continue;
    for (const source of node.inputTensors) {
      const above = nodeOf(source);
      ofNode.set(above, Math.max(depth + 1, ofNode.get(above) ?? 0));
    }
  }
  return { ofNode, ofLayer };
}

/** The same calls in the order in which Keras makes them: the deepest first, then as it met them. */
export function inKerasOrder<S extends Step>(steps: readonly S[]): S[] {
  const { ofNode } = depthsOf(steps);
  const met = new Map([...ofNode.keys()].map((node, i) => [node, i]));
  return [...steps].sort(
    (a, b) => ofNode.get(b.node)! - ofNode.get(a.node)! || met.get(a.node)! - met.get(b.node)!,
  );
}
