import type { LayerVariable, Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import {
  getTensorShapes,
  type InferenceFunction,
  type LayerCall,
  type LayerGraph,
  runInference,
} from '../network/layerGraph.js';
import { findFeatureMap, findLastFeatureMap, splitGraphAt } from '../network/subgraph.js';
import type { AnyTask } from '../tasks/task.js';
import { tf } from '../tensor/tf.js';

/** Options of {@link createGradCamGraph}. */
export interface GradCamGraphOptions {
  readonly graph: LayerGraph;
  readonly task: string;
  readonly kind: AnyTask['kind'];
  /** Name of the layer with the feature map, or undefined to use the last convolution. */
  readonly layer: string | undefined;
  /** Factor for each output unit of the task, or undefined to explain the predicted label of each image. */
  readonly outputFactors: readonly number[] | undefined;
}

/** Computes Grad-CAM heat maps in a form that an engine can run. */
export interface GradCamGraph {
  /**
   * Function that an engine runs.
   *
   * - Input `image`, shape `[batch, height, width, channels]`: pixels in the input range of the network.
   * - Output `heat`, shape `[batch, rows, columns]`: unscaled heat maps, all values at least 0.
   * - Output `score`, shape `[batch, units]`: the output of the task that is differentiated.
   */
  readonly pass: InferenceFunction;
  /** Name of the layer with the feature map. */
  readonly layer: string;
  /** Threshold for a binary task: a score above this value predicts the second label. */
  readonly threshold: number;
}

/**
 * Creates the function that computes Grad-CAM (R. R. Selvaraju et al., 2017): `relu(Σ_k w_k A_k)`, where `A_k` are the channels of
 * a feature map, and `w_k` is the derivative of the score with respect to `A_k`, averaged over all positions. An engine can trace
 * the function, because it is a pure function of tensors.
 */
export function createGradCamGraph({
  graph,
  task,
  kind,
  layer,
  outputFactors,
}: GradCamGraphOptions): GradCamGraph {
  const output = graph.outputs.find(({ name }) => name === task)!;
  const { tensorIndex, computeScore, threshold } = findScoreSource(graph, output.tensorId);
  const call =
    layer === undefined
      ? findLastFeatureMap(graph, tensorIndex, task)
      : findFeatureMap(graph, layer, tensorIndex, task);
  const { before, after } = splitGraphAt(graph, call, tensorIndex);
  const [rows, columns] = getTensorShapes(graph).get(call.outputs[0]!)!;
  const factors = (score: Tensor): Tensor => {
    if (outputFactors) return tf.tensor2d([...outputFactors], [1, outputFactors.length]);
    if (kind === 'categorical') return tf.cast(tf.equal(score, tf.max(score, -1, true)), 'float32');
    return tf.sub(tf.mul(tf.cast(tf.greater(score, threshold), 'float32'), 2), 1);
  };
  const run = ([image]: readonly Tensor[]) =>
    tf.tidy(() => {
      const [map, ...others] = runInference(before, [image!]) as [Tensor4D, ...Tensor[]];
      const score = (x: Tensor) => computeScore(runInference(after, [x, ...others])[0]!);
      const scores = score(map);
      const outputWeights = factors(scores); // outside the gradient, because choosing a label has no derivative
      const gradient = tf.grad((x) => tf.sum(tf.mul(score(x), outputWeights)))(map);
      const weights = tf.mean(gradient, [1, 2], true);
      return [tf.relu(tf.sum(tf.mul(map, weights), -1)), scores];
    });
  return {
    layer: call.layer.name,
    threshold,
    pass: {
      inputs: graph.inputs,
      calls: [...before.calls, ...after.calls, ...findHeadCalls(graph, output.tensorId)],
      outputs: [
        { name: 'heat', shape: [rows!, columns!] },
        { name: 'score', shape: output.shape },
      ],
      run,
    },
  };
}

/** Returns the layer calls that compute a tensor. */
const findHeadCalls = (graph: LayerGraph, tensorId: number): readonly LayerCall[] =>
  graph.calls.filter(({ outputs }) => outputs.includes(tensorId));

/** Tensor from which the score of a task is computed, and the function that computes it. */
interface ScoreSource {
  readonly tensorIndex: number;
  computeScore(value: Tensor): Tensor;
  readonly threshold: number;
}

/**
 * Finds the score of a task. If the head ends with sigmoid or softmax, the score is the input of this activation, because the
 * derivative of the activation is almost 0 for a confident prediction. Otherwise, the score is the output of the head.
 */
function findScoreSource(graph: LayerGraph, outputId: number): ScoreSource {
  const { layer, inputs } = findHeadCalls(graph, outputId)[0]!;
  const { activation } = layer.getConfig() as { activation?: string };
  const isSquashed = activation === 'sigmoid' || activation === 'softmax';
  const kind = layer.getClassName();
  const [tensorIndex] = inputs as [number];
  if (kind === 'Softmax' || (kind === 'Activation' && isSquashed))
    return { tensorIndex, computeScore: (x) => x, threshold: 0 };
  if (kind === 'Dense' && isSquashed) {
    const [kernel, bias] = layer.weights as [LayerVariable, LayerVariable | undefined];
    const computeScore = (x: Tensor) => {
      const product = tf.matMul(x as Tensor2D, kernel.read() as Tensor2D);
      return bias ? tf.add(product, bias.read()) : product;
    };
    return { tensorIndex, computeScore, threshold: 0 };
  }
  return { tensorIndex: outputId, computeScore: (x) => x, threshold: 0.5 };
}
