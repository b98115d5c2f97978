import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import {
  getTensorShapes,
  type InferenceFunction,
  type LayerGraph,
  runInference,
} from '../network/layerGraph.js';
import { getFinalActivation, omitFinalActivation } from '../network/lossGraph.js';
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
  const outputIndex = graph.outputs.findIndex(({ name }) => name === task);
  // The derivative of sigmoid and softmax is almost 0 for a confident prediction, so the score is their input.
  const hasLogits = getFinalActivation(graph, outputIndex) !== undefined;
  const scoreGraph = hasLogits ? omitFinalActivation(graph, outputIndex) : graph;
  const threshold = hasLogits ? 0 : 0.5;
  const output = scoreGraph.outputs[outputIndex]!;
  const call =
    layer === undefined
      ? findLastFeatureMap(scoreGraph, output.tensorId, task)
      : findFeatureMap(scoreGraph, layer, output.tensorId, task);
  const { before, after } = splitGraphAt(scoreGraph, call, output.tensorId);
  const [rows, columns] = getTensorShapes(scoreGraph).get(call.outputs[0]!)!;
  const factors = (score: Tensor): Tensor => {
    if (outputFactors) return tf.tensor2d([...outputFactors], [1, outputFactors.length]);
    if (kind === 'categorical') return tf.cast(tf.equal(score, tf.max(score, -1, true)), 'float32');
    return tf.sub(tf.mul(tf.cast(tf.greater(score, threshold), 'float32'), 2), 1);
  };
  const run = ([image]: readonly Tensor[]) =>
    tf.tidy(() => {
      const [map, ...others] = runInference(before, [image!]) as [Tensor4D, ...Tensor[]];
      const score = (x: Tensor) => runInference(after, [x, ...others])[0]!;
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
      calls: [...before.calls, ...after.calls],
      outputs: [
        { name: 'heat', shape: [rows!, columns!] },
        { name: 'score', shape: output.shape },
      ],
      run,
    },
  };
}
