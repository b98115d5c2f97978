import type { SymbolicTensor, Tensor } from '@tensorflow/tfjs';
import { BatchNormalization } from '../layers/patched/batchNormalization.js';
import type { CallArguments } from '../layers/patched/forwardContext.js';
import { tf } from '../tensor/tf.js';
import { withScope } from '../tensor/trace/tracer.js';
import { getSourceNode, type LayerNodeRef, sortInKerasOrder } from './callOrder.js';

/** One call of a layer. `inputs` and `outputs` are places in the pass's list of tensors. */
export interface LayerCall {
  readonly layer: tf.layers.Layer;
  /** Which of the layer's calls it is, counted from 0: more than one where the layer is shared. */
  readonly nodeIndex: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Places that no later call and no result reads: in inference their tensors go at once. */
  readonly releasableInputs: readonly number[];
}

/** A tensor that goes into a graph, or comes out of it. */
export interface GraphTensor {
  readonly tensorId: number;
  readonly name: string;
  /** Of one example. */
  readonly shape: readonly number[];
}

/** A network, or a part of one, as an ordered list of calls. */
export interface LayerGraph {
  readonly inputs: readonly GraphTensor[];
  readonly calls: readonly LayerCall[];
  /** Of a whole network: the tasks', in the order of `model.outputs`. */
  readonly outputs: readonly GraphTensor[];
}

/** A function of tensors made from a graph's calls: an engine runs it in inference mode as it runs a graph. */
export interface InferenceFunction {
  readonly inputs: readonly Omit<GraphTensor, 'tensorId'>[];
  /** Those whose weights it reads. */
  readonly calls: readonly LayerCall[];
  readonly outputs: readonly Omit<GraphTensor, 'tensorId'>[];
  /** One tensor an output, none of them an input. Pure, as a pass that is recorded must be. */
  run(given: readonly Tensor[]): Tensor[];
}

/** A call before it is known what else is called. */
export type UnscheduledCall = Omit<LayerCall, 'releasableInputs'>;

/**
 * The calls of a flat model in an order that serves every input before its use. tfjs can run a model too, but hands
 * no arguments to its layers when it does, and ours need theirs.
 */
export function createLayerGraph(model: tf.LayersModel): LayerGraph {
  const places = new Map<number, number>();
  const place = (tensor: SymbolicTensor) => {
    if (!places.has(tensor.id)) places.set(tensor.id, places.size);
    return places.get(tensor.id)!;
  };
  const port = (tensor: SymbolicTensor, name: string): GraphTensor => ({
    tensorId: place(tensor),
    name,
    shape: tensor.shape.slice(1) as number[],
  });
  const inputs = model.inputs.map((tensor, i) => port(tensor, model.inputNames[i]!));
  const done = new Set<number>(model.inputs.map(({ id }) => id));
  const steps: (LayerNodeRef & { readonly index: number })[] = [];
  const visit = (tensor: SymbolicTensor) => {
    if (done.has(tensor.id)) return;
    const [layer, node] = [tensor.sourceLayer, getSourceNode(tensor)];
    for (const output of node.outputTensors) done.add(output.id);
    for (const source of node.inputTensors) visit(source);
    steps.push({ layer, node, index: tensor.nodeIndex });
  };
  for (const output of model.outputs) visit(output);
  const calls = (hasRepeatedBatchNorm(steps) ? sortInKerasOrder(steps) : steps).map(
    ({ layer, node, index }): UnscheduledCall => ({
      layer,
      nodeIndex: index,
      inputs: node.inputTensors.map(place),
      outputs: node.outputTensors.map(place),
    }),
  );
  return createGraphFromCalls(
    inputs,
    calls,
    model.outputs.map((tensor, i) => port(tensor, model.outputNames[i]!)),
  );
}

/**
 * Whether the order of two calls shows: each call of a batch normalisation moves its averages on from where the one before left
 * them. All other networks run branch after branch, which holds fewer activations at a time than Keras's order.
 */
function hasRepeatedBatchNorm(steps: readonly LayerNodeRef[]): boolean {
  const moving = steps.filter(({ layer }) => layer instanceof BatchNormalization);
  return new Set(moving.map(({ layer }) => layer)).size < moving.length;
}

/** A graph of these calls, in this order. */
export function createGraphFromCalls(
  inputs: readonly GraphTensor[],
  calls: readonly UnscheduledCall[],
  outputs: readonly GraphTensor[],
): LayerGraph {
  const lastUse = new Map<number, number>();
  for (const [i, call] of calls.entries()) for (const source of call.inputs) lastUse.set(source, i);
  const kept = new Set([...inputs, ...outputs].map(({ tensorId }) => tensorId));
  return {
    inputs,
    outputs,
    calls: calls.map((call, i) => ({
      ...call,
      releasableInputs: [...new Set(call.inputs)].filter(
        (source) => lastUse.get(source) === i && !kept.has(source),
      ),
    })),
  };
}

/** Every layer of a graph once, in the order of its first call. */
export function getLayers(graph: Pick<LayerGraph, 'calls'>): tf.layers.Layer[] {
  return [...new Set(graph.calls.map(({ layer }) => layer))];
}

/** The shape of every place's tensor, of one example. */
export function getTensorShapes(graph: LayerGraph): Map<number, readonly number[]> {
  const shapes = new Map(graph.inputs.map(({ tensorId, shape }) => [tensorId, shape]));
  for (const { layer, nodeIndex, outputs } of graph.calls) {
    const tensors = layer.inboundNodes[nodeIndex]!.outputTensors;
    outputs.forEach((place, i) => {
      shapes.set(place, tensors[i]!.shape.slice(1) as number[]);
    });
  }
  return shapes;
}

/** One pass in inference mode, as {@link runGraph}. */
export function runInference(graph: LayerGraph | InferenceFunction, given: readonly Tensor[]): Tensor[] {
  return 'run' in graph ? graph.run(given) : runGraph(graph, given, { training: false });
}

/**
 * One pass of a batch through a graph: one tensor an input, `[batch, ...shape]`, float32, images in the network's range.
 * Returns one tensor an output, none of them an input. Call it inside `tf.tidy`; in inference it frees each activation
 * after its last use.
 */
export function runGraph(graph: LayerGraph, given: readonly Tensor[], kwargs: CallArguments): Tensor[] {
  const values: (Tensor | undefined)[] = [];
  const outside = new Set(graph.inputs.map(({ tensorId }) => tensorId));
  graph.inputs.forEach(({ tensorId }, i) => {
    values[tensorId] = given[i]!;
  });
  for (const { layer, inputs, outputs, releasableInputs } of graph.calls) {
    const read = inputs.map((source) => values[source]!);
    const own = {
      ...kwargs,
      areInputsExternal: inputs.every((source) => outside.has(source)),
    } satisfies CallArguments;
    const made = withScope(`layer ${layer.name}`, () =>
      layer.apply(read.length === 1 ? read[0]! : read, own),
    ) as Tensor | Tensor[];
    const list = Array.isArray(made) ? made : [made];
    outputs.forEach((target, i) => {
      values[target] = list[i]!;
    });
    if (kwargs.training) continue; // the tape needs them all
    for (const source of releasableInputs) {
      values[source]!.dispose();
      values[source] = undefined;
    }
  }
  return graph.outputs.map(({ tensorId }) =>
    outside.has(tensorId) ? tf.clone(values[tensorId]!) : values[tensorId]!,
  );
}
