import { Dropout } from '../layers/own/dropout.js';
import type { tf } from '../tensor/tf.js';
import { type BareCall, type Graph, graphFrom, type Port } from './graph.js';

/** A graph cut where training begins to matter. */
export interface Halves {
  /** From the image as far as nothing is trained and nothing random happens; undefined when no weight lies there. */
  readonly frozen: Graph | undefined;
  /** The rest: its inputs are the outputs of `frozen`, in the same order. The whole graph when nothing is frozen. */
  readonly trained: Graph;
}

/**
 * Cuts a graph behind the calls that give the same output in every step of a run: of layers that are frozen, or have no
 * weights and draw no mask, on inputs that such calls made. What they make needs no gradient and may be kept.
 */
export function halvesOf(graph: Graph): Halves {
  const still = new Map<number, string>(graph.inputs.map(({ place, name }) => [place, `frozen/${name}`]));
  const [before, after]: [BareCall[], BareCall[]] = [[], []];
  for (const call of graph.calls) {
    const stays = neverChanges(call.layer) && call.inputs.every((source) => still.has(source));
    (stays ? before : after).push(call);
    if (!stays) continue;
    call.outputs.forEach((place, i) => {
      still.set(place, nameOf(call, i));
    });
  }
  if (!before.some(({ layer }) => layer.weights.length > 0)) return { frozen: undefined, trained: graph };
  const shapes = shapesOf(graph);
  const read = [...after.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ place }) => place)];
  const cut = [...new Set(read)]
    .filter((place) => still.has(place))
    .map((place): Port => ({ place, name: still.get(place)!, shape: shapes.get(place)! }));
  return { frozen: graphFrom(graph.inputs, before, cut), trained: graphFrom(cut, after, graph.outputs) };
}

/**
 * Stock layers that answer the same in training as out of it, once they are frozen. A layer of the user's own may do
 * something else while it is trained, which nobody can see: it stays behind the cut.
 */
const COMPUTING = new Set([
  ...['Conv1D', 'Conv2D', 'Conv2DTranspose', 'DepthwiseConv2D', 'SeparableConv2D', 'Dense', 'PReLU'],
  ...['BatchNormalization', 'LayerNormalization', 'Activation', 'ReLU', 'LeakyReLU', 'ELU', 'Softmax'],
  ...[
    'ThresholdedReLU',
    'Rescaling',
    'Resizing',
    'CenterCrop',
    'ZeroPadding2D',
    'Cropping2D',
    'UpSampling2D',
  ],
  ...['MaxPooling2D', 'AveragePooling2D', 'GlobalMaxPooling2D', 'GlobalAveragePooling2D', 'Flatten'],
  ...['Reshape', 'Permute', 'RepeatVector', 'Add', 'Multiply', 'Average', 'Maximum', 'Minimum'],
  ...['Concatenate', 'Dot'],
]);

function neverChanges(layer: tf.layers.Layer): boolean {
  if (layer instanceof Dropout) return layer.rate === 0;
  return COMPUTING.has(layer.getClassName()) && (layer.weights.length === 0 || !layer.trainable);
}

const nameOf = ({ layer, node }: BareCall, output: number) =>
  ['frozen', layer.name, ...(node + output > 0 ? [node, output] : [])].join('/');

function shapesOf(graph: Graph): Map<number, readonly number[]> {
  const shapes = new Map(graph.inputs.map(({ place, shape }) => [place, shape]));
  for (const { layer, node, outputs } of graph.calls) {
    const tensors = layer.inboundNodes[node]!.outputTensors;
    outputs.forEach((place, i) => {
      shapes.set(place, tensors[i]!.shape.slice(1) as number[]);
    });
  }
  return shapes;
}
