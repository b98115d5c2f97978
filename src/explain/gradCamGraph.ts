import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
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

/** Which heat is wanted. */
export interface GradCamGraphOptions {
  readonly graph: LayerGraph;
  readonly task: string;
  readonly kind: AnyTask['kind'];
  /** Of the map; undefined for the last convolutional one. */
  readonly layer: string | undefined;
  /** A factor for each output of the task; undefined for the label that each image is taken for. */
  readonly outputFactors: readonly number[] | undefined;
}

/** Heat maps as an engine runs them. */
export interface GradCamGraph {
  /**
   * From `image`, `[batch, height, width, channels]` in the network's range, to `heat`, `[batch, rows, columns]`, at least 0
   * and not scaled, and `score`, `[batch, units]`: the task's output as it is differentiated.
   */
  readonly pass: InferenceFunction;
  /** The layer whose map it is. */
  readonly layer: string;
  /** Scores above this say the second label of a binary task. */
  readonly threshold: number;
}

/**
 * Grad-CAM (R. R. Selvaraju et al., 2017): `relu(Σ_k w_k A_k)`, where `A_k` are the channels of a feature map and `w_k` the mean
 * over its places of the score's derivative by `A_k`. All of it is one function of tensors, which an engine can record.
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
      const now = score(map);
      const wanted = factors(now); // of numbers, not of the tape: a choice has no derivative
      const slope = tf.grad((x) => tf.sum(tf.mul(score(x), wanted)))(map);
      const weights = tf.mean(slope, [1, 2], true);
      return [tf.relu(tf.sum(tf.mul(map, weights), -1)), now];
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

const findHeadCalls = (graph: LayerGraph, place: number): readonly LayerCall[] =>
  graph.calls.filter(({ outputs }) => outputs.includes(place));

/** Where the score of a task is read, and what is left to do to what is there. */
interface ScoreSource {
  readonly tensorIndex: number;
  computeScore(value: Tensor): Tensor;
  readonly threshold: number;
}

/** Before a sigmoid or softmax, whose slope is 0 where the answer is certain; any other output as it is. */
function findScoreSource(graph: LayerGraph, place: number): ScoreSource {
  const { layer, inputs } = findHeadCalls(graph, place)[0]!;
  const { activation } = layer.getConfig() as { activation?: string };
  const squashed = activation === 'sigmoid' || activation === 'softmax';
  const kind = layer.getClassName();
  const [tensorIndex] = inputs as [number];
  if (kind === 'Softmax' || (kind === 'Activation' && squashed))
    return { tensorIndex, computeScore: (x) => x, threshold: 0 };
  if (kind === 'Dense' && squashed) {
    const [kernel, bias] = layer.weights as [tf.LayerVariable, tf.LayerVariable | undefined];
    const computeScore = (x: Tensor) => {
      const product = tf.matMul(x as Tensor2D, kernel.read() as Tensor2D);
      return bias ? tf.add(product, bias.read()) : product;
    };
    return { tensorIndex, computeScore, threshold: 0 };
  }
  return { tensorIndex: place, computeScore: (x) => x, threshold: 0.5 };
}
