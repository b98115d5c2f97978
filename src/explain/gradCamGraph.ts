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
 * a feature map, and `w_k` is the derivative of the score with respect to `A_k`, averaged over all positions. It is a pure function of
 * tensors, so an engine can trace it.
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
      calls: [...before.calls, ...after.calls, ...findHeadCalls(graph, output.tensorId)],
      outputs: [
        { name: 'heat', shape: [rows!, columns!] },
        { name: 'score', shape: output.shape },
      ],
      run,
    },
  };
}

/** Returns the layer call that computes a tensor, as an array, or an empty array if the tensor is an input of the graph. */
const findHeadCalls = (graph: LayerGraph, tensorId: number): readonly LayerCall[] =>
  graph.calls.filter(({ outputs }) => outputs.includes(tensorId));

/** Source of a task's score: a tensor of the graph, and a function that computes the score from this tensor. */
interface ScoreSource {
  readonly tensorIndex: number;
  computeScore(value: Tensor): Tensor;
  readonly threshold: number;
}

/**
 * Determines how the score of a task is computed. If its head ends with sigmoid or softmax, the score is the input of that activation (the
 * logit), because the derivative of the activation is almost 0 for confident predictions. Otherwise, the score is the output of the head.
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
