import type { SymbolicTensor, Tensor } from '@tensorflow/tfjs';
import type { CallArguments } from '../layers/own/forward.js';
import { within } from '../tensor/recorder.js';
import type { tf } from '../tensor/tf.js';

/** One call of a layer. `inputs` and `outputs` are places in the pass's list of tensors. */
export interface Call {
  readonly layer: tf.layers.Layer;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Places that no later call and no result reads: in inference their tensors go at once. */
  readonly finished: readonly number[];
}

/** A network as an ordered list of calls. */
export interface Graph {
  /** Place of the image. */
  readonly input: number;
  readonly calls: readonly Call[];
  /** Places of the tasks' outputs, in the order of `model.outputs`. */
  readonly outputs: readonly number[];
}

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
  const input = place(model.inputs[0]!);
  const done = new Set<number>([model.inputs[0]!.id]);
  const calls: Omit<Call, 'finished'>[] = [];
  const visit = (tensor: SymbolicTensor) => {
    if (done.has(tensor.id)) return;
    const layer = tensor.sourceLayer;
    const node = layer.inboundNodes[tensor.nodeIndex]!;
    for (const output of node.outputTensors) done.add(output.id);
    for (const source of node.inputTensors) visit(source);
    calls.push({ layer, inputs: node.inputTensors.map(place), outputs: node.outputTensors.map(place) });
  };
  for (const output of model.outputs) visit(output);
  const outputs = model.outputs.map(place);
  const lastUse = new Map<number, number>();
  calls.forEach(({ inputs }, i) => {
    for (const source of inputs) lastUse.set(source, i);
  });
  return {
    input,
    outputs,
    calls: calls.map((call, i) => ({
      ...call,
      finished: call.inputs.filter(
        (source) => lastUse.get(source) === i && source !== input && !outputs.includes(source),
      ),
    })),
  };
}

/**
 * One pass of a batch through the network. `x`: `[batch, height, width, channels]`, float32, in the model's range.
 * Returns one tensor a task. Call it inside `tf.tidy`; in inference it frees each activation after its last use.
 */
export function runGraph(graph: Graph, x: Tensor, kwargs: CallArguments): Tensor[] {
  const values: (Tensor | undefined)[] = [];
  values[graph.input] = x;
  for (const { layer, inputs, outputs, finished } of graph.calls) {
    const given = inputs.map((source) => values[source]!);
    const made = within(`layer ${layer.name}`, () =>
      layer.apply(given.length === 1 ? given[0]! : given, kwargs),
    ) as Tensor | Tensor[];
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
  return graph.outputs.map((output) => values[output]!);
}
