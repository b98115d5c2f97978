import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { Json } from '../../../core/json.js';
import {
  computeCallDepths,
  getSourceNode,
  type LayerNode,
  type LayerNodeRef,
} from '../../../network/callOrder.js';
import { tf } from '../../../tensor/tf.js';
import { createLayerExportError, toLayerConfig } from './layerConfig.js';

/** One tensor between two layers: the layer that made it, in which of its calls, which of its outputs. */
export interface KerasTensor {
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
  readonly history: readonly [layer: string, node: number, tensor: number];
}

/** A layer at its place in the graph. */
export interface KerasGraphLayer {
  readonly name: string;
  readonly className: string;
  readonly config: { readonly [key: string]: Json };
  /** Keywords of each call. */
  readonly kwargs: { readonly [name: string]: Json };
  /** Whether the shapes of its first call are written. */
  readonly hasBuildConfig: boolean;
  /** What each call reads; empty for an input. A list stands for layers that take one. */
  readonly calls: readonly (KerasTensor | readonly KerasTensor[])[];
  /** The layer of TensorFlow.js, for its weights. */
  readonly stockLayer: tf.layers.Layer | undefined;
}

/** A model as Keras sees it. */
export interface KerasGraph {
  readonly name: string;
  readonly trainable: boolean;
  /** In Keras's order, which its files count by. */
  readonly layers: readonly KerasGraphLayer[];
  readonly inputs: readonly KerasTensor[];
  readonly outputs: readonly KerasTensor[];
}

/**
 * The graph of a flat model, its layers in the order that Keras gives them: by depth below the outputs, and within one
 * depth in the order in which a walk from the outputs first meets them. Same as Keras 3 `map_graph` (ops/function.py),
 * which counts layers of one class in its files; another order would give weights to other layers.
 *
 * @throws `argument` fault naming a layer that Keras cannot say, or a model inside the model.
 */
export function createKerasGraph(model: tf.LayersModel): KerasGraph {
  const { nodes, met } = collectNodes(model.outputs);
  // An input that no output reads is a layer all the same; Keras puts it first among the last.
  for (const input of model.inputs) {
    if (met.has(input.sourceLayer)) continue;
    met.set(input.sourceLayer, -1);
    nodes.unshift({ node: getSourceNode(input), layer: input.sourceLayer });
  }
  const { byLayer: depths } = computeCallDepths(nodes);
  const order = [...met.keys()].sort((a, b) => depths.get(b)! - depths.get(a)! || met.get(a)! - met.get(b)!);
  const kept = new Set(nodes.map(({ node }) => node));
  const nodesOf = (layer: tf.layers.Layer) => layer.inboundNodes.filter((node) => kept.has(node));
  const tensor = (given: SymbolicTensor): KerasTensor => {
    const { sourceLayer: layer } = given;
    return {
      shape: given.shape,
      dtype: given.dtype,
      history: [layer.name, nodesOf(layer).indexOf(getSourceNode(given)), given.tensorIndex],
    };
  };
  return {
    name: model.name,
    trainable: model.trainable,
    layers: order.map((layer): KerasGraphLayer => {
      if ('layers' in layer) {
        const advice = 'Give its layers one by one: what is written is flat.';
        throw createLayerExportError(layer.name, 'a layer, not a model', layer.getClassName(), advice);
      }
      const reads = (node: LayerNode) => {
        const tensors = node.inputTensors.map(tensor);
        return tensors.length === 1 && !LIST_INPUT_CLASSES.has(layer.getClassName()) ? tensors[0]! : tensors;
      };
      const calls = layer.getClassName() === 'InputLayer' ? [] : nodesOf(layer).map(reads);
      return { name: layer.name, ...toLayerConfig(layer), calls, stockLayer: layer };
    }),
    inputs: model.inputs.map(tensor),
    outputs: model.outputs.map(tensor),
  };
}

/** Layers that take a list, be it of one tensor. */
const LIST_INPUT_CLASSES = new Set([
  'Add',
  'Multiply',
  'Average',
  'Maximum',
  'Minimum',
  'Concatenate',
  'Dot',
]);

/** Every call that leads to the outputs, after those it reads, and the layers in the order they are first met. */
function collectNodes(outputs: readonly SymbolicTensor[]): {
  nodes: LayerNodeRef[];
  met: Map<tf.layers.Layer, number>;
} {
  const nodes: LayerNodeRef[] = [];
  const met = new Map<tf.layers.Layer, number>();
  const seen = new Set<LayerNode>();
  const visit = (tensor: SymbolicTensor) => {
    const node = getSourceNode(tensor);
    if (seen.has(node)) return;
    seen.add(node);
    const layer = tensor.sourceLayer;
    if (!met.has(layer)) met.set(layer, met.size);
    if (layer.getClassName() !== 'InputLayer') for (const source of node.inputTensors) visit(source);
    nodes.push({ node, layer });
  };
  for (const output of outputs) visit(output);
  return { nodes, met };
}

/**
 * The same graph reading bytes: a `Rescaling` behind its one input takes 0..255 to the range of the model.
 *
 * @param range - What the bytes 0 and 255 become.
 */
export function prependRescaling(graph: KerasGraph, [black, white]: readonly [number, number]): KerasGraph {
  const input = graph.inputs[0]!;
  const taken = new Set(graph.layers.map((layer) => layer.name));
  let name = 'rescaling';
  for (let i = 1; taken.has(name); i++) name = `rescaling_${i}`;
  const scale = toLayerConfig(tf.layers.rescaling({ name, scale: (white - black) / 255, offset: black }));
  const rescaled: KerasTensor = { ...input, history: [name, 0, 0] };
  const instead = (tensor: KerasTensor) => (tensor.history[0] === input.history[0] ? rescaled : tensor);
  const layers = graph.layers.map((layer) => ({
    ...layer,
    calls: layer.calls.map((read) => ('history' in read ? instead(read) : read.map(instead))),
  }));
  return {
    ...graph,
    layers: [layers[0]!, { name, ...scale, calls: [input], stockLayer: undefined }, ...layers.slice(1)],
    outputs: graph.outputs.map(instead),
  };
}
