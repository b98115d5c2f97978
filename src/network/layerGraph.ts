import type { SymbolicTensor, Tensor } from '@tensorflow/tfjs';
import { BatchNormalization } from '../layers/patched/batchNormalization.js';
import { computeDenseLogits } from '../layers/patched/denseLogits.js';
import type { CallArguments } from '../layers/patched/forwardContext.js';
import type { LogitActivation } from '../losses/loss.js';
import { tf } from '../tensor/tf.js';
import { withScope } from '../tensor/trace/tracer.js';
import { getSourceNode, type LayerNodeRef, sortInKerasOrder } from './callOrder.js';

/** One call of a layer in a graph. */
export interface LayerCall {
  readonly layer: tf.layers.Layer;
  /** Index of the call among all calls of the layer, counted from 0. Only a shared layer is called more than once. */
  readonly nodeIndex: number;
  /** Ids of the tensors that the layer receives. */
  readonly inputs: readonly number[];
  /** Ids of the tensors that the layer returns. */
  readonly outputs: readonly number[];
  /**
   * Ids of the inputs that no later call reads and that are not outputs of the graph. In inference mode, these tensors are disposed of
   * after the call.
   */
  readonly releasableInputs: readonly number[];
  /** Whether a dense layer is called without its activation. Default: false. */
  readonly omitsActivation?: boolean;
}

/** An input or output tensor of a graph. */
export interface GraphTensor {
  /** Id that the calls of the graph use for this tensor. */
  readonly tensorId: number;
  readonly name: string;
  /** Shape of one example, without the batch axis. */
  readonly shape: readonly number[];
  /**
   * Final activation of a network output that this graph leaves out, so that the tensor contains logits. Undefined for any other tensor.
   */
  readonly omittedActivation?: LogitActivation;
}

/** A network, or a subgraph of a network, as a list of layer calls in execution order. */
export interface LayerGraph {
  readonly inputs: readonly GraphTensor[];
  readonly calls: readonly LayerCall[];
  /** Outputs of the graph. The graph of a whole network has one output per task, in the order of `model.outputs`. */
  readonly outputs: readonly GraphTensor[];
}

/**
 * A function of tensors that calls layers of a graph and adds its own operations. An engine can run it in inference mode, like a graph.
 * Grad-CAM is such a function.
 */
export interface InferenceFunction {
  readonly inputs: readonly Omit<GraphTensor, 'tensorId'>[];
  /** Layer calls whose weights the function reads. The engine updates these weights before it runs the function. */
  readonly calls: readonly LayerCall[];
  readonly outputs: readonly Omit<GraphTensor, 'tensorId'>[];
  /**
   * Returns one tensor per output. None of the returned tensors is an input tensor. The function must be pure, because an engine may trace
   * it.
   */
  run(inputs: readonly Tensor[]): Tensor[];
}

/** A layer call without `releasableInputs`, which can be determined only when all calls of the graph are known. */
export type UnscheduledCall = Omit<LayerCall, 'releasableInputs'>;

/**
 * Creates the graph of a flat model, with layer calls in execution order. The graph replaces `model.apply`, because TensorFlow.js does not
 * pass keyword arguments to the layers, and the patched layers of this library need them.
 */
export function createLayerGraph(model: tf.LayersModel): LayerGraph {
  const tensorIds = new Map<number, number>();
  const getTensorId = (tensor: SymbolicTensor) => {
    if (!tensorIds.has(tensor.id)) tensorIds.set(tensor.id, tensorIds.size);
    return tensorIds.get(tensor.id)!;
  };
  const createGraphTensor = (tensor: SymbolicTensor, name: string): GraphTensor => ({
    tensorId: getTensorId(tensor),
    name,
    shape: tensor.shape.slice(1) as number[],
  });
  const inputs = model.inputs.map((tensor, i) => createGraphTensor(tensor, model.inputNames[i]!));
  const visitedIds = new Set<number>(model.inputs.map(({ id }) => id));
  const steps: (LayerNodeRef & { readonly index: number })[] = [];
  const visit = (tensor: SymbolicTensor) => {
    if (visitedIds.has(tensor.id)) return;
    const [layer, node] = [tensor.sourceLayer, getSourceNode(tensor)];
    for (const output of node.outputTensors) visitedIds.add(output.id);
    for (const source of node.inputTensors) visit(source);
    steps.push({ layer, node, index: tensor.nodeIndex });
  };
  for (const output of model.outputs) visit(output);
  const calls = (hasRepeatedBatchNorm(steps) ? sortInKerasOrder(steps) : steps).map(
    ({ layer, node, index }): UnscheduledCall => ({
      layer,
      nodeIndex: index,
      inputs: node.inputTensors.map(getTensorId),
      outputs: node.outputTensors.map(getTensorId),
    }),
  );
  return createGraphFromCalls(
    inputs,
    calls,
    model.outputs.map((tensor, i) => createGraphTensor(tensor, model.outputNames[i]!)),
  );
}

/**
 * Returns whether a batch normalization layer is called more than once. If so, the order of the calls affects the results, because each
 * call updates the moving statistics that the previous call wrote, so the calls must be in the same order as in Keras. All other networks
 * run branch by branch, which needs less memory for activations.
 */
function hasRepeatedBatchNorm(steps: readonly LayerNodeRef[]): boolean {
  const batchNormSteps = steps.filter(({ layer }) => layer instanceof BatchNormalization);
  return new Set(batchNormSteps.map(({ layer }) => layer)).size < batchNormSteps.length;
}

/** Creates a graph from layer calls that are already in execution order. */
export function createGraphFromCalls(
  inputs: readonly GraphTensor[],
  calls: readonly UnscheduledCall[],
  outputs: readonly GraphTensor[],
): LayerGraph {
  const lastUse = new Map<number, number>();
  for (const [i, call] of calls.entries()) for (const source of call.inputs) lastUse.set(source, i);
  const externalIds = new Set([...inputs, ...outputs].map(({ tensorId }) => tensorId));
  return {
    inputs,
    outputs,
    calls: calls.map((call, i) => ({
      ...call,
      releasableInputs: [...new Set(call.inputs)].filter(
        (source) => lastUse.get(source) === i && !externalIds.has(source),
      ),
    })),
  };
}

/** Returns the layers of a graph without duplicates, in the order of their first calls. */
export function getLayers(graph: Pick<LayerGraph, 'calls'>): tf.layers.Layer[] {
  return [...new Set(graph.calls.map(({ layer }) => layer))];
}

/** Returns the shapes of all tensors of a graph, keyed by tensor id, without the batch axis. */
export function getTensorShapes(graph: LayerGraph): Map<number, readonly number[]> {
  const shapes = new Map(graph.inputs.map(({ tensorId, shape }) => [tensorId, shape]));
  for (const { layer, nodeIndex, outputs } of graph.calls) {
    const tensors = layer.inboundNodes[nodeIndex]!.outputTensors;
    outputs.forEach((tensorId, i) => {
      shapes.set(tensorId, tensors[i]!.shape.slice(1) as number[]);
    });
  }
  return shapes;
}

/** Runs a graph or an {@link InferenceFunction} in inference mode. The inputs and outputs are in the same form as for {@link runGraph}. */
export function runInference(graph: LayerGraph | InferenceFunction, inputs: readonly Tensor[]): Tensor[] {
  return 'run' in graph ? graph.run(inputs) : runGraph(graph, inputs, { training: false });
}

/**
 * Runs a batch through a graph. Call this function inside `tf.tidy`. In inference mode, each activation is disposed of after its last use.
 *
 * @param graphInputs - One float32 tensor `[batch, ...shape]` per input. Pixel values are in the range that the network expects.
 * @returns One tensor per output. None of them is an input tensor.
 */
export function runGraph(graph: LayerGraph, graphInputs: readonly Tensor[], kwargs: CallArguments): Tensor[] {
  const values: (Tensor | undefined)[] = [];
  const externalIds = new Set(graph.inputs.map(({ tensorId }) => tensorId));
  graph.inputs.forEach(({ tensorId }, i) => {
    values[tensorId] = graphInputs[i]!;
  });
  for (const { layer, inputs, outputs, releasableInputs, omitsActivation } of graph.calls) {
    const layerInputs = inputs.map((source) => values[source]!);
    const callArguments = {
      ...kwargs,
      areInputsExternal: inputs.every((source) => externalIds.has(source)),
    } satisfies CallArguments;
    const result = withScope(`layer ${layer.name}`, () =>
      omitsActivation
        ? computeDenseLogits(layer, layerInputs[0]!)
        : layer.apply(layerInputs.length === 1 ? layerInputs[0]! : layerInputs, callArguments),
    ) as Tensor | Tensor[];
    const tensors = Array.isArray(result) ? result : [result];
    outputs.forEach((target, i) => {
      values[target] = tensors[i]!;
    });
    if (kwargs.training) continue; // The gradient tape still needs all activations.
    for (const source of releasableInputs) {
      values[source]!.dispose();
      values[source] = undefined;
    }
  }
  return graph.outputs.map(({ tensorId }) =>
    externalIds.has(tensorId) ? tf.clone(values[tensorId]!) : values[tensorId]!,
  );
}
