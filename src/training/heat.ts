import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { cutAt, lastMap, mapOf } from '../models/cut.js';
import { type Call, type Derived, type Graph, infer, shapesOf } from '../models/graph.js';
import type { AnyTask } from '../tasks/task.js';
import { tf } from '../tensor/tf.js';

/** Which heat is wanted. */
export interface HeatPlan {
  readonly graph: Graph;
  readonly task: string;
  readonly kind: AnyTask['kind'];
  /** Of the map; undefined for the last convolutional one. */
  readonly layer: string | undefined;
  /** A factor for each output of the task; undefined for the label that each image is taken for. */
  readonly chosen: readonly number[] | undefined;
}

/** Heat maps as an engine runs them. */
export interface Heat {
  /**
   * From `image`, `[batch, height, width, channels]` in the network's range, to `heat`, `[batch, rows, columns]`, at least 0
   * and not scaled, and `score`, `[batch, units]`: the task's output as it is differentiated.
   */
  readonly pass: Derived;
  /** The layer whose map it is. */
  readonly layer: string;
  /** Scores above this say the second label of a binary task. */
  readonly middle: number;
}

/**
 * Grad-CAM (R. R. Selvaraju et al., 2017): `relu(Σ_k w_k A_k)`, where `A_k` are the channels of a feature map and `w_k` the mean
 * over its places of the score's derivative by `A_k`. All of it is one function of tensors, which an engine can record.
 */
export function heatOf({ graph, task, kind, layer, chosen }: HeatPlan): Heat {
  const output = graph.outputs.find(({ name }) => name === task)!;
  const { end, finish, middle } = scoreOf(graph, output.place);
  const call = layer === undefined ? lastMap(graph, end, task) : mapOf(graph, layer, end, task);
  const { before, after } = cutAt(graph, call, end);
  const [rows, columns] = shapesOf(graph).get(call.outputs[0]!)!;
  const factors = (score: Tensor): Tensor => {
    if (chosen) return tf.tensor2d([...chosen], [1, chosen.length]);
    if (kind === 'categorical') return tf.cast(tf.equal(score, tf.max(score, -1, true)), 'float32');
    return tf.sub(tf.mul(tf.cast(tf.greater(score, middle), 'float32'), 2), 1);
  };
  const run = ([image]: readonly Tensor[]) =>
    tf.tidy(() => {
      const [map, ...others] = infer(before, [image!]) as [Tensor4D, ...Tensor[]];
      const score = (x: Tensor) => finish(infer(after, [x, ...others])[0]!);
      const now = score(map);
      const wanted = factors(now); // of numbers, not of the tape: a choice has no derivative
      const slope = tf.grad((x) => tf.sum(tf.mul(score(x), wanted)))(map);
      const weights = tf.mean(slope, [1, 2], true);
      return [tf.relu(tf.sum(tf.mul(map, weights), -1)), now];
    });
  return {
    layer: call.layer.name,
    middle,
    pass: {
      inputs: graph.inputs,
      calls: [...before.calls, ...after.calls, ...headCalls(graph, output.place)],
      outputs: [
        { name: 'heat', shape: [rows!, columns!] },
        { name: 'score', shape: output.shape },
      ],
      run,
    },
  };
}

const headCalls = (graph: Graph, place: number): readonly Call[] =>
  graph.calls.filter(({ outputs }) => outputs.includes(place));

/** Where the score of a task is read, and what is left to do to what is there. */
interface Score {
  readonly end: number;
  finish(value: Tensor): Tensor;
  readonly middle: number;
}

/** Before a sigmoid or softmax, whose slope is 0 where the answer is certain; any other output as it is. */
function scoreOf(graph: Graph, place: number): Score {
  const { layer, inputs } = headCalls(graph, place)[0]!;
  const { activation } = layer.getConfig() as { activation?: string };
  const squashed = activation === 'sigmoid' || activation === 'softmax';
  const kind = layer.getClassName();
  const [end] = inputs as [number];
  if (kind === 'Softmax' || (kind === 'Activation' && squashed)) return { end, finish: (x) => x, middle: 0 };
  if (kind === 'Dense' && squashed) {
    const [kernel, bias] = layer.weights as [tf.LayerVariable, tf.LayerVariable | undefined];
    const finish = (x: Tensor) => {
      const product = tf.matMul(x as Tensor2D, kernel.read() as Tensor2D);
      return bias ? tf.add(product, bias.read()) : product;
    };
    return { end, finish, middle: 0 };
  }
  return { end: place, finish: (x) => x, middle: 0.5 };
}
