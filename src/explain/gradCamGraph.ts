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

/** Options for {@link createGradCamGraph}. */
export interface GradCamGraphOptions {
  readonly graph: LayerGraph;
  readonly task: string;
  readonly kind: AnyTask['kind'];
  /** Name of the layer whose feature map is used. If undefined, the last convolution before the task is used. */
  readonly layer: string | undefined;
  /**
   * Factor by which each output unit of the task is multiplied to get the score. If undefined, the predicted label of each image is
   * explained.
   */
  readonly outputFactors: readonly number[] | undefined;
}

/** A Grad-CAM computation for one task and layer, in a form that an engine can run. */
export interface GradCamGraph {
  /**
   * Inference function that computes the heat maps of a batch.
   *
   * - Input `image`, shape `[batch, height, width, channels]`: pixels in the input range of the network.
   * - Output `heat`, shape `[batch, rows, columns]`: heat maps before scaling, with values of at least 0.
   * - Output `score`, shape `[batch, units]`: scores of the task, one for each output unit.
   */
  readonly pass: InferenceFunction;
  /** Name of the layer whose feature map is used. */
  readonly layer: string;
  /** For a binary task, the score above which the second label is predicted. */
  readonly threshold: number;
}

/**
 * Creates a function that computes Grad-CAM heat maps (R. R. Selvaraju et al., 2017): `relu(Σ_k w_k A_k)`, where `A_k` are the channels of
 * a feature map, and `w_k` is the derivative of the score with respect to `A_k`, averaged over all positions. The created function is a
 * pure function of tensors, so an engine can trace it.
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
      const outputWeights = factors(scores); // Computed outside tf.grad(), because the choice of a label has no derivative.
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
