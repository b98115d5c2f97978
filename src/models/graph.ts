import type { SymbolicTensor, Tensor } from '@tensorflow/tfjs';
import { BatchNormalization } from '../layers/own/batchNormalization.js';
import type { CallArguments } from '../layers/own/forward.js';
import { within } from '../tensor/recorder.js';
import { tf } from '../tensor/tf.js';
import { inKerasOrder, nodeOf, type Step } from './depths.js';

/** One call of a layer. `inputs` and `outputs` are places in the pass's list of tensors. */
export interface Call {
  readonly layer: tf.layers.Layer;
  /** Which of the layer's calls it is, counted from 0: more than one where the layer is shared. */
  readonly node: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Places that no later call and no result reads: in inference their tensors go at once. */
  readonly finished: readonly number[];
}

/** A tensor that goes into a graph, or comes out of it. */
export interface Port {
  readonly place: number;
  readonly name: string;
  /** Of one example. */
  readonly shape: readonly number[];
}

/** A network, or a part of one, as an ordered list of calls. */
export interface Graph {
  readonly inputs: readonly Port[];
  readonly calls: readonly Call[];
  /** Of a whole network: the tasks', in the order of `model.outputs`. */
  readonly outputs: readonly Port[];
}

/** A function of tensors made from a graph's calls: an engine runs it in inference mode as it runs a graph. */
export interface Derived {
  readonly inputs: readonly Omit<Port, 'place'>[];
  /** Those whose weights it reads. */
  readonly calls: readonly Call[];
  readonly outputs: readonly Omit<Port, 'place'>[];
  /** One tensor an output, none of them an input. Pure, as a pass that is recorded must be. */
  run(given: readonly Tensor[]): Tensor[];
}

/** A call before it is known what else is called. */
export type BareCall = Omit<Call, 'finished'>;

/**
 * The calls of a flat model in an order that serves every input before its use. tfjs can run a model too, but hands
 * no arguments to its layers when it does, and ours need theirs.
 */
export function graphOf(model: tf.LayersModel): Graph {
  const places = new Map<number, number>();
  const place = (tensor: SymbolicTensor) => {
    if (!places.has(tensor.id)) places.set(tensor.id, places.size);
    return places.get(tensor.id)!;
  };
  const port = (tensor: SymbolicTensor, name: string): Port => ({
    place: place(tensor),
    name,
    shape: tensor.shape.slice(1) as number[],
  });
  const inputs = model.inputs.map((tensor, i) => port(tensor, model.inputNames[i]!));
  const done = new Set<number>(model.inputs.map(({ id }) => id));
  const steps: (Step & { readonly index: number })[] = [];
  const visit = (tensor: SymbolicTensor) => {
    if (done.has(tensor.id)) return;
    const [layer, node] = [tensor.sourceLayer, nodeOf(tensor)];
    for (const output of node.outputTensors) done.add(output.id);
    for (const source of node.inputTensors) visit(source);
    steps.push({ layer, node, index: tensor.nodeIndex });
  };
  for (const output of model.outputs) visit(output);
  const calls = (movesTwice(steps) ? inKerasOrder(steps) : steps).map(
    ({ layer, node, index }): BareCall => ({
      layer,
      node: index,
      inputs: node.inputTensors.map(place),
      outputs: node.outputTensors.map(place),
    }),
  );
  return graphFrom(
    inputs,
    calls,
    model.outputs.map((tensor, i) => port(tensor, model.outputNames[i]!)),
  );
}

/**
 * Whether the order of two calls shows: each call of a batch normalisation moves its averages on from where the one before left
 * them. All other networks run branch after branch, which holds fewer activations at a time than Keras's order.
 */
function movesTwice(steps: readonly Step[]): boolean {
  const moving = steps.filter(({ layer }) => layer instanceof BatchNormalization);
  return new Set(moving.map(({ layer }) => layer)).size < moving.length;
}

/** A graph of these calls, in this order. */
export function graphFrom(
  inputs: readonly Port[],
  calls: readonly BareCall[],
  outputs: readonly Port[],
): Graph {
  const lastUse = new Map<number, number>();
  for (const [i, call] of calls.entries()) for (const source of call.inputs) lastUse.set(source, i);
  const kept = new Set([...inputs, ...outputs].map(({ place }) => place));
  return {
    inputs,
    outputs,
    calls: calls.map((call, i) => ({
      ...call,
      finished: [...new Set(call.inputs)].filter((source) => lastUse.get(source) === i && !kept.has(source)),
    })),
  };
}

/** Every layer of a graph once, in the order of its first call. */
export function layersOf(graph: Pick<Graph, 'calls'>): tf.layers.Layer[] {
  return [...new Set(graph.calls.map(({ layer }) => layer))];
}

/** The shape of every place's tensor, of one example. */
export function shapesOf(graph: Graph): Map<number, readonly number[]> {
  const shapes = new Map(graph.inputs.map(({ place, shape }) => [place, shape]));
  for (const { layer, node, outputs } of graph.calls) {
    const tensors = layer.inboundNodes[node]!.outputTensors;
    outputs.forEach((place, i) => {
      shapes.set(place, tensors[i]!.shape.slice(1) as number[]);
    });
  }
  return shapes;
}

/** One pass in inference mode, as {@link runGraph}. */
export function infer(graph: Graph | Derived, given: readonly Tensor[]): Tensor[] {
  return 'run' in graph ? graph.run(given) : runGraph(graph, given, { training: false });
}

/**
 * One pass of a batch through a graph: one tensor an input, `[batch, ...shape]`, float32, images in the network's range.
 * Returns one tensor an output, none of them an input. Call it inside `tf.tidy`; in inference it frees each activation
 * after its last use.
 */
export function runGraph(graph: Graph, given: readonly Tensor[], kwargs: CallArguments): Tensor[] {
  const values: (Tensor | undefined)[] = [];
  const outside = new Set(graph.inputs.map(({ place }) => place));
  graph.inputs.forEach(({ place }, i) => {
    values[place] = given[i]!;
  });
  for (const { layer, inputs, outputs, finished } of graph.calls) {
    const read = inputs.map((source) => values[source]!);
    const own = { ...kwargs, given: inputs.every((source) => outside.has(source)) } satisfies CallArguments;
    const made = within(`layer ${layer.name}`, () => layer.apply(read.length === 1 ? read[0]! : read, own)) as
      | Tensor
      | Tensor[];
    const list = Array.isArray(made) ? made : [made];
    outputs.forEach((target, i) => {
      values[target] = list[i]!;
    });
    if (kwargs.training) continue; // the tape needs them all
    for (const source of finished) {
      values[source]!.dispose();
      values[source] = undefined;
    }
  }
  return graph.outputs.map(({ place }) => (outside.has(place) ? tf.clone(values[place]!) : values[place]!));
}
