import { fault } from '../core/errors.js';
import { makesGrey } from '../layers/greyImage.js';
import type { tf } from '../tensor/tf.js';
import { type Call, type Graph, graphFrom, type Port, shapesOf } from './graph.js';

/** The way to one place of a graph, cut at another that lies on it. */
export interface Cut {
  /** From the image to the inputs of `after`. */
  readonly before: Graph;
  /** All that depends on the place of the cut. Its first input is that place; what else it reads comes after it. */
  readonly after: Graph;
}

/** The calls that `place` depends on, in their order. */
export function wayTo(graph: Graph, place: number): Call[] {
  const needed = new Set([place]);
  const way: Call[] = [];
  for (const call of [...graph.calls].reverse()) {
    if (!call.outputs.some((output) => needed.has(output))) continue;
    way.unshift(call);
    for (const input of call.inputs) needed.add(input);
  }
  return way;
}

/** Cuts the way to `end` at the output of `call`, which must lie on it. */
export function cutAt(graph: Graph, call: Call, end: number): Cut {
  const shapes = shapesOf(graph);
  const port = (place: number): Port => ({ place, name: `place${place}`, shape: shapes.get(place)! });
  const at = call.outputs[0]!;
  const behind = new Set([at]);
  const [before, after]: [Call[], Call[]] = [[], []];
  for (const own of wayTo(graph, end)) {
    const depends = own.inputs.some((input) => behind.has(input));
    (depends ? after : before).push(own);
    if (depends) for (const output of own.outputs) behind.add(output);
  }
  const others = after.flatMap(({ inputs }) => inputs).filter((input) => !behind.has(input));
  const inputs = [...new Set([at, ...others])].map(port);
  return { before: graphFrom(graph.inputs, before, inputs), after: graphFrom(inputs, after, [port(end)]) };
}

/** What prepares the image is a convolution in form alone: its map is the image. */
const convolves = (layer: tf.layers.Layer) =>
  /Conv2D/.test(layer.getClassName()) && layer.name !== 'image_preprocess' && !makesGrey(layer);

/**
 * The call whose output is the last convolutional feature map on the way to `end`: that of the last convolution which leaves
 * more than one place, or of the batch normalisations, activations and sums that follow it and keep its shape.
 *
 * @throws `argument` fault where no such convolution is.
 */
export function lastMap(graph: Graph, end: number, task: string): Call {
  const way = wayTo(graph, end);
  const shapes = shapesOf(graph);
  const shapeOf = ({ outputs }: Call) => shapes.get(outputs[0]!)!;
  const last = way.findLastIndex((call) => {
    if (!convolves(call.layer)) return false;
    const [height, width] = shapeOf(call) as [number, number];
    return height * width > 1;
  });
  if (last < 0) {
    throw fault({
      kind: 'argument',
      path: `task ${task}`,
      expected: 'a convolution on the way to it whose map has more than one place',
      received: 'none',
      advice: 'Give layer: any with an output [height, width, channels]. Larger images have larger maps.',
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
export function mapOf(graph: Graph, name: string, end: number, task: string): Call {
  const way = wayTo(graph, end);
  const shapes = shapesOf(graph);
  const call = way.findLast(({ layer }) => layer.name === name);
  const shape = call && shapes.get(call.outputs[0]!)!;
  if (call && shape!.length === 3) return call;
  const maps = way.filter(({ outputs }) => shapes.get(outputs[0]!)!.length === 3);
  const known = graph.calls.some(({ layer }) => layer.name === name);
  throw fault({
    kind: 'argument',
    path: `layer ${name}`,
    expected: `a layer on the way to ${task} with an output [height, width, channels]`,
    received: shape
      ? `one with an output [${shape.join(', ')}]`
      : known
        ? 'one that does not lead there'
        : 'no such layer',
    advice: `The last of them: ${maps
      .slice(-6)
      .map(({ layer }) => layer.name)
      .join(', ')}.`,
  });
}
