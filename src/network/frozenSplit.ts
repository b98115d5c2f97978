import { Dropout } from '../layers/patched/dropout.js';
import type { tf } from '../tensor/tf.js';
import {
  createGraphFromCalls,
  type GraphTensor,
  getTensorShapes,
  type LayerGraph,
  type UnscheduledCall,
} from './layerGraph.js';

/** A graph cut where training begins to matter. */
export interface FrozenSplit {
  /** From the image as far as nothing is trained and nothing random happens; undefined when no weight lies there. */
  readonly frozenGraph: LayerGraph | undefined;
  /** The rest: its inputs are the outputs of `frozen`, in the same order. The whole graph when nothing is frozen. */
  readonly trainableGraph: LayerGraph;
}

/**
 * Cuts a graph behind the calls that give the same output in every step of a run: of layers that are frozen, or have no
 * weights and draw no mask, on inputs that such calls made. What they make needs no gradient and may be kept.
 */
export function splitFrozen(graph: LayerGraph): FrozenSplit {
  const still = new Map<number, string>(
    graph.inputs.map(({ tensorId, name }) => [tensorId, `frozen/${name}`]),
  );
  const [before, after]: [UnscheduledCall[], UnscheduledCall[]] = [[], []];
  for (const call of graph.calls) {
    const stays = isConstantInTraining(call.layer) && call.inputs.every((source) => still.has(source));
    (stays ? before : after).push(call);
    if (!stays) continue;
    call.outputs.forEach((place, i) => {
      still.set(place, createTensorName(call, i));
    });
  }
  if (!before.some(({ layer }) => layer.weights.length > 0))
    return { frozenGraph: undefined, trainableGraph: graph };
  const shapes = getTensorShapes(graph);
  const read = [...after.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ tensorId }) => tensorId)];
  const cut = [...new Set(read)]
    .filter((place) => still.has(place))
    .map((tensorId): GraphTensor => ({ tensorId, name: still.get(tensorId)!, shape: shapes.get(tensorId)! }));
  return {
    frozenGraph: createGraphFromCalls(graph.inputs, before, cut),
    trainableGraph: createGraphFromCalls(cut, after, graph.outputs),
  };
}

/**
 * Stock layers that answer the same in training as out of it, once they are frozen. A layer of the user's own may do
 * something else while it is trained, which nobody can see: it stays behind the cut.
 */
const DETERMINISTIC_LAYERS = new Set([
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

function isConstantInTraining(layer: tf.layers.Layer): boolean {
  if (layer instanceof Dropout) return layer.rate === 0;
  return DETERMINISTIC_LAYERS.has(layer.getClassName()) && (layer.weights.length === 0 || !layer.trainable);
}

const createTensorName = ({ layer, nodeIndex }: UnscheduledCall, output: number) =>
  ['frozen', layer.name, ...(nodeIndex + output > 0 ? [nodeIndex, output] : [])].join('/');
