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

/** The layer calls that an output depends on, split at an intermediate tensor. Grad-CAM needs the gradient with respect to that tensor. */
export interface GraphSplit {
  /** Layer calls from the image to the intermediate tensor, and to every other input of `after`. */
  readonly before: LayerGraph;
  /**
   * Layer calls that depend on the intermediate tensor. That tensor is the first input of this graph, followed by all other tensors that
   * the calls read.
   */
  readonly after: LayerGraph;
}

/** Returns the layer calls that a tensor depends on, in execution order. */
export function findCallsTo(graph: LayerGraph, tensorId: number): LayerCall[] {
  const neededIds = new Set([tensorId]);
  const path: LayerCall[] = [];
  for (const call of [...graph.calls].reverse()) {
    if (!call.outputs.some((output) => neededIds.has(output))) continue;
    path.unshift(call);
    for (const input of call.inputs) neededIds.add(input);
  }
  return path;
}

/** Finds the layer calls that the tensor `end` depends on and splits them at the output of `call`, which must be one of them. */
export function splitGraphAt(graph: LayerGraph, call: LayerCall, end: number): GraphSplit {
  const shapes = getTensorShapes(graph);
  const createGraphTensor = (tensorId: number): GraphTensor => ({
    tensorId,
    name: `tensor${tensorId}`,
    shape: shapes.get(tensorId)!,
  });
  const splitId = call.outputs[0]!;
  const dependentIds = new Set([splitId]);
  const [before, after]: [LayerCall[], LayerCall[]] = [[], []];
  for (const next of findCallsTo(graph, end)) {
    const isDependent = next.inputs.some((input) => dependentIds.has(input));
    (isDependent ? after : before).push(next);
    if (isDependent) for (const output of next.outputs) dependentIds.add(output);
  }
  const others = after.flatMap(({ inputs }) => inputs).filter((input) => !dependentIds.has(input));
  const inputs = [...new Set([splitId, ...others])].map(createGraphTensor);
  return {
    before: createGraphFromCalls(graph.inputs, before, inputs),
    after: createGraphFromCalls(inputs, after, [createGraphTensor(end)]),
  };
}

/**
 * Returns whether a layer is a convolution whose output is a feature map. Preprocessing of the image can be a convolution too, but its
 * output is an image.
 */
const isImageConvolution = (layer: tf.layers.Layer) =>
  /Conv2D/.test(layer.getClassName()) && layer.name !== 'image_preprocess' && !isGrayscaleLayer(layer);

/**
 * Finds the layer call that computes the last convolutional feature map before `end`. This is the last convolution with an output larger
 * than 1x1, or a later batch normalization, activation or addition that directly follows it and preserves its shape.
 *
 * @throws `argument` error if the network has no such convolution.
 */
export function findLastFeatureMap(graph: LayerGraph, end: number, task: string): LayerCall {
  const path = findCallsTo(graph, end);
  const shapes = getTensorShapes(graph);
  const shapeOf = ({ outputs }: LayerCall) => shapes.get(outputs[0]!)!;
  const last = path.findLastIndex((call) => {
    if (!isImageConvolution(call.layer)) return false;
    const [height, width] = shapeOf(call) as [number, number];
    return height * width > 1;
  });
  if (last < 0) {
    throw createError({
      kind: 'argument',
      path: `task ${task}`,
      expected: 'a convolution whose output is larger than 1x1, before the output of the task',
      received: 'a network without such a convolution',
      advice:
        'Set the layer option to the name of a layer whose output has the shape [height, width, channels], or use larger images.',
    });
  }
  const shape = shapeOf(path[last]!).join();
  let map = path[last]!;
  for (const call of path.slice(last + 1)) {
    if (shapeOf(call).join() === shape && call.inputs.includes(map.outputs[0]!)) map = call;
  }
  return map;
}

/**
 * Finds the last call of the layer `name` that the tensor `end` depends on. The output of the layer must be a feature map.
 *
 * @throws `argument` error for an unknown layer, a layer that `end` does not depend on, and a layer whose output is not a feature map.
 */
export function findFeatureMap(graph: LayerGraph, name: string, end: number, task: string): LayerCall {
  const path = findCallsTo(graph, end);
  const shapes = getTensorShapes(graph);
  const call = path.findLast(({ layer }) => layer.name === name);
  const shape = call && shapes.get(call.outputs[0]!)!;
  if (call && shape!.length === 3) return call;
  const maps = path.filter(({ outputs }) => shapes.get(outputs[0]!)!.length === 3);
  const isLayerName = graph.calls.some(({ layer }) => layer.name === name);
  throw createError({
    kind: 'argument',
    path: `layer ${name}`,
    expected: `a layer that contributes to the output of ${task} and has an output of shape [height, width, channels]`,
    received: shape
      ? `a layer with an output of shape ${formatShape(shape)}`
      : isLayerName
        ? `a layer that does not contribute to the output of ${task}`
        : 'a name that does not belong to any layer',
    advice: `Use one of these layers: ${maps
      .slice(-6)
      .map(({ layer }) => layer.name)
      .join(', ')}.`,
  });
}
