import { formatShape } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import { isGrayscaleLayer } from '../layers/grayscaleImage.js';
import type { tf } from '../tensor/tf.js';
import {
  createGraphFromCalls,
  type GraphTensor,
  getTensorShapes,
  type LayerCall,
  type LayerGraph,
} from './layerGraph.js';

/** The way to one place of a graph, cut at another that lies on it. */
export interface GraphSplit {
  /** From the image to the inputs of `after`. */
  readonly before: LayerGraph;
  /** All that depends on the place of the cut. Its first input is that place; what else it reads comes after it. */
  readonly after: LayerGraph;
}

/** The calls that `place` depends on, in their order. */
export function findCallsTo(graph: LayerGraph, place: number): LayerCall[] {
  const needed = new Set([place]);
  const way: LayerCall[] = [];
  for (const call of [...graph.calls].reverse()) {
    if (!call.outputs.some((output) => needed.has(output))) continue;
    way.unshift(call);
    for (const input of call.inputs) needed.add(input);
  }
  return way;
}

/** Cuts the way to `end` at the output of `call`, which must lie on it. */
export function splitGraphAt(graph: LayerGraph, call: LayerCall, end: number): GraphSplit {
  const shapes = getTensorShapes(graph);
  const port = (tensorId: number): GraphTensor => ({
    tensorId,
    name: `place${tensorId}`,
    shape: shapes.get(tensorId)!,
  });
  const at = call.outputs[0]!;
  const behind = new Set([at]);
  const [before, after]: [LayerCall[], LayerCall[]] = [[], []];
  for (const own of findCallsTo(graph, end)) {
    const depends = own.inputs.some((input) => behind.has(input));
    (depends ? after : before).push(own);
    if (depends) for (const output of own.outputs) behind.add(output);
  }
  const others = after.flatMap(({ inputs }) => inputs).filter((input) => !behind.has(input));
  const inputs = [...new Set([at, ...others])].map(port);
  return {
    before: createGraphFromCalls(graph.inputs, before, inputs),
    after: createGraphFromCalls(inputs, after, [port(end)]),
  };
}

/** What prepares the image is a convolution in form alone: its map is the image. */
const isImageConvolution = (layer: tf.layers.Layer) =>
  /Conv2D/.test(layer.getClassName()) && layer.name !== 'image_preprocess' && !isGrayscaleLayer(layer);

/**
 * The call whose output is the last convolutional feature map on the way to `end`: that of the last convolution which leaves
 * more than one place, or of the batch normalisations, activations and sums that follow it and keep its shape.
 *
 * @throws `argument` fault where no such convolution is.
 */
export function findLastFeatureMap(graph: LayerGraph, end: number, task: string): LayerCall {
  const way = findCallsTo(graph, end);
  const shapes = getTensorShapes(graph);
  const shapeOf = ({ outputs }: LayerCall) => shapes.get(outputs[0]!)!;
  const last = way.findLastIndex((call) => {
    if (!isImageConvolution(call.layer)) return false;
    const [height, width] = shapeOf(call) as [number, number];
    return height * width > 1;
  });
  if (last < 0) {
    throw createError({
      kind: 'argument',
      path: `task ${task}`,
      expected: 'a convolution before the output whose feature map is larger than 1x1',
      received: 'no such convolution',
      advice:
        'Give layer, the name of a layer with an output [height, width, channels], or use larger images.',
    });
  }
  const shape = shapeOf(way[last]!).join();
  let map = way[last]!;
  for (const call of way.slice(last + 1)) {
    if (shapeOf(call).join() === shape && call.inputs.includes(map.outputs[0]!)) map = call;
  }
  return map;
}

/**
 * The last call of the layer called `name` on the way to `end`.
 *
 * @throws `argument` fault for a layer that is not there, not on the way, or makes no map.
 */
export function findFeatureMap(graph: LayerGraph, name: string, end: number, task: string): LayerCall {
  const way = findCallsTo(graph, end);
  const shapes = getTensorShapes(graph);
  const call = way.findLast(({ layer }) => layer.name === name);
  const shape = call && shapes.get(call.outputs[0]!)!;
  if (call && shape!.length === 3) return call;
  const maps = way.filter(({ outputs }) => shapes.get(outputs[0]!)!.length === 3);
  const known = graph.calls.some(({ layer }) => layer.name === name);
  throw createError({
    kind: 'argument',
    path: `layer ${name}`,
    expected: `a layer before the output of ${task} with an output [height, width, channels]`,
    received: shape
      ? `a layer with an output ${formatShape(shape)}`
      : known
        ? `a layer that the output of ${task} does not depend on`
        : 'an unknown layer name',
    advice: `Use one of the last such layers: ${maps
      .slice(-6)
      .map(({ layer }) => layer.name)
      .join(', ')}.`,
  });
}
