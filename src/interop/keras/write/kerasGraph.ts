import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createArgumentError } from '../../../core/errors/errors.js';
import type { Json } from '../../../core/json.js';
import {
  computeCallDepths,
  getSourceNode,
  type LayerNode,
  type LayerNodeRef,
} from '../../../network/callOrder.js';
import { tf } from '../../../tensor/tf.js';
import { toLayerConfig } from './layerConfig.js';

/**
 * Tensor in a Keras graph. `history` contains the name of the layer that computes the tensor, the index of the layer call, and the
 * index of the output.
 */
export interface KerasTensor {
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
  readonly history: readonly [layer: string, node: number, tensor: number];
}

/** Layer in the graph of a Keras file. */
export interface KerasGraphLayer {
  readonly name: string;
  readonly className: string;
  readonly config: { readonly [key: string]: Json };
  /** Keyword arguments that are written for each call of the layer. */
  readonly kwargs: { readonly [name: string]: Json };
  /** Whether the input shape of the first call is written to the file. */
  readonly hasBuildConfig: boolean;
  /** Inputs of each call: a tensor, or a list of tensors for layer classes that accept lists. An input layer has no calls. */
  readonly calls: readonly (KerasTensor | readonly KerasTensor[])[];
  /** TensorFlow.js layer that contains the weights. Undefined for a `Rescaling` layer that the export added. */
  readonly stockLayer: tf.layers.Layer | undefined;
}

/** Graph of layers in the form of a Keras file. */
export interface KerasGraph {
  readonly name: string;
  readonly trainable: boolean;
  /** Layers in Keras's order, which determines their group names in the weights file. */
  readonly layers: readonly KerasGraphLayer[];
  readonly inputs: readonly KerasTensor[];
  readonly outputs: readonly KerasTensor[];
}

/**
 * Creates the Keras graph of a flat model. The layers are in Keras's order: by decreasing distance from the outputs, and at equal distance
 * in the order of a traversal from the outputs. This matches Keras 3 `map_graph` (ops/function.py). Keras numbers the layers of a class in
 * its files, so any other order would assign weights to the wrong layers.
 *
 * @throws An `argument` error if Keras has no equivalent of a layer, or if the model contains a nested model. The error names the layer.
 */
export function createKerasGraph(model: tf.LayersModel): KerasGraph {
  const { nodes, met: visitOrder } = collectNodes(model.outputs);
  // An input that no output depends on is also a layer. Keras puts it first among the layers of the lowest depth.
  for (const input of model.inputs) {
    if (visitOrder.has(input.sourceLayer)) continue;
    visitOrder.set(input.sourceLayer, -1);
    nodes.unshift({ node: getSourceNode(input), layer: input.sourceLayer });
  }
  const { byLayer: depths } = computeCallDepths(nodes);
  const sortedLayers = [...visitOrder.keys()].sort(
    (a, b) => depths.get(b)! - depths.get(a)! || visitOrder.get(a)! - visitOrder.get(b)!,
  );
  const reachableNodes = new Set(nodes.map(({ node }) => node));
  const getReachableNodes = (layer: tf.layers.Layer) =>
    layer.inboundNodes.filter((node) => reachableNodes.has(node));
  const toKerasTensor = (symbolicTensor: SymbolicTensor): KerasTensor => {
    const { sourceLayer: layer } = symbolicTensor;
    return {
      shape: symbolicTensor.shape,
      dtype: symbolicTensor.dtype,
      history: [
        layer.name,
        getReachableNodes(layer).indexOf(getSourceNode(symbolicTensor)),
        symbolicTensor.tensorIndex,
      ],
    };
  };
  return {
    name: model.name,
    trainable: model.trainable,
    layers: sortedLayers.map((layer): KerasGraphLayer => {
      if ('layers' in layer) {
        const advice = 'Add the layers of the nested model individually, because the exported model is flat.';
        throw createArgumentError(layer.name, 'a layer', `a nested model (${layer.getClassName()})`, advice);
      }
      const toCallInputs = (node: LayerNode) => {
        const tensors = node.inputTensors.map(toKerasTensor);
        return tensors.length === 1 && !LIST_INPUT_CLASSES.has(layer.getClassName()) ? tensors[0]! : tensors;
      };
      const calls = layer.getClassName() === 'InputLayer' ? [] : getReachableNodes(layer).map(toCallInputs);
      return { name: layer.name, ...toLayerConfig(layer), calls, stockLayer: layer };
    }),
    inputs: model.inputs.map(toKerasTensor),
    outputs: model.outputs.map(toKerasTensor),
  };
}

/** Layer classes whose input is written as a list even if it is a single tensor. */
const LIST_INPUT_CLASSES = new Set([
  'Add',
  'Multiply',
  'Average',
  'Maximum',
  'Minimum',
  'Concatenate',
  'Dot',
]);

/**
 * Returns all layer calls on which the outputs depend. Each call comes after the calls that compute its inputs. `met` contains the
 * position of each layer in the traversal.
 */
function collectNodes(outputs: readonly SymbolicTensor[]): {
  nodes: LayerNodeRef[];
  met: Map<tf.layers.Layer, number>;
} {
  const nodes: LayerNodeRef[] = [];
  const met = new Map<tf.layers.Layer, number>();
  const visitedNodes = new Set<LayerNode>();
  const visit = (tensor: SymbolicTensor) => {
    const node = getSourceNode(tensor);
    if (visitedNodes.has(node)) return;
    visitedNodes.add(node);
    const layer = tensor.sourceLayer;
    if (!met.has(layer)) met.set(layer, met.size);
    if (layer.getClassName() !== 'InputLayer') for (const source of node.inputTensors) visit(source);
    nodes.push({ node, layer });
  };
  for (const output of outputs) visit(output);
  return { nodes, met };
}

/**
 * Adds a `Rescaling` layer after the only input, so that the model accepts pixel values from 0 to 255.
 *
 * @param range - Numbers to which the pixel values 0 and 255 are mapped.
 */
export function prependRescaling(graph: KerasGraph, [black, white]: readonly [number, number]): KerasGraph {
  const input = graph.inputs[0]!;
  const usedNames = new Set(graph.layers.map((layer) => layer.name));
  let name = 'rescaling';
  for (let i = 1; usedNames.has(name); i++) name = `rescaling_${i}`;
  const scale = toLayerConfig(tf.layers.rescaling({ name, scale: (white - black) / 255, offset: black }));
  const rescaled: KerasTensor = { ...input, history: [name, 0, 0] };
  const redirect = (tensor: KerasTensor) => (tensor.history[0] === input.history[0] ? rescaled : tensor);
  const layers = graph.layers.map((layer) => ({
    ...layer,
    calls: layer.calls.map((inputs) => ('history' in inputs ? redirect(inputs) : inputs.map(redirect))),
  }));
  return {
    ...graph,
    layers: [layers[0]!, { name, ...scale, calls: [input], stockLayer: undefined }, ...layers.slice(1)],
    outputs: graph.outputs.map(redirect),
  };
}
