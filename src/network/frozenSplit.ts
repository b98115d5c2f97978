import { Dropout } from '../layers/patched/dropout.js';
import type { tf } from '../tensor/tf.js';
import {
  createGraphFromCalls,
  type GraphTensor,
  getTensorShapes,
  type LayerGraph,
  type UnscheduledCall,
} from './layerGraph.js';

/** A graph split in two: the frozen layers, whose outputs for an image are the same in every step, and all other layers. */
export interface FrozenSplit {
  /** Layer calls whose outputs for an image are the same in every step. Undefined if no weight is frozen. */
  readonly frozenGraph: LayerGraph | undefined;
  /**
   * All other layer calls. The inputs of this graph are the outputs of `frozenGraph`, in the same order. If no weight is frozen, this is
   * the whole graph.
   */
  readonly trainableGraph: LayerGraph;
}

/**
 * Splits a graph after its frozen layers. A layer call is part of the frozen graph if two conditions are met: the layer is frozen or has
 * neither weights nor a dropout mask, and all inputs of the call come from the image or from the frozen graph. The outputs of the frozen
 * graph need no gradient and can be cached.
 */
export function splitFrozen(graph: LayerGraph): FrozenSplit {
  const constantTensors = new Map<number, string>(
    graph.inputs.map(({ tensorId, name }) => [tensorId, `frozen/${name}`]),
  );
  const [frozenCalls, trainableCalls]: [UnscheduledCall[], UnscheduledCall[]] = [[], []];
  for (const call of graph.calls) {
    const isConstant =
      isConstantInTraining(call.layer) && call.inputs.every((source) => constantTensors.has(source));
    (isConstant ? frozenCalls : trainableCalls).push(call);
    if (!isConstant) continue;
    call.outputs.forEach((tensorId, i) => {
      constantTensors.set(tensorId, createTensorName(call, i));
    });
  }
  if (!frozenCalls.some(({ layer }) => layer.weights.length > 0))
    return { frozenGraph: undefined, trainableGraph: graph };
  const shapes = getTensorShapes(graph);
  const readIds = [
    ...trainableCalls.flatMap(({ inputs }) => inputs),
    ...graph.outputs.map(({ tensorId }) => tensorId),
  ];
  const boundary = [...new Set(readIds)]
    .filter((tensorId) => constantTensors.has(tensorId))
    .map(
      (tensorId): GraphTensor => ({
        tensorId,
        name: constantTensors.get(tensorId)!,
        shape: shapes.get(tensorId)!,
      }),
    );
  return {
    frozenGraph: createGraphFromCalls(graph.inputs, frozenCalls, boundary),
    trainableGraph: createGraphFromCalls(boundary, trainableCalls, graph.outputs),
  };
}

/**
 * Classes of TensorFlow.js layers that, when frozen, compute the same output in training as in inference. Custom layers are not listed,
 * because their behavior in training is unknown. Calls of custom layers are part of the trainable graph.
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
