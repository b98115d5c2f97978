import type { Tensor } from '@tensorflow/tfjs';
import { onnxInUse } from '../engines/choose.js';
import { predictorOf } from '../engines/onnx/predictor.js';
import type { NamedArray } from '../io/tensorFile.js';
import { type Derived, type Graph, infer } from '../models/graph.js';
import { tf } from '../tensor/tf.js';

/**
 * One batch through a graph in inference mode, by the engine in use: a tensor an output. Images are in the network's range;
 * a tensor that is given stays the caller's, and so do those that come out. The weights are the model's variables:
 * {@link settle} them first where somebody trains them.
 */
export async function forward(
  graph: Graph | Derived,
  given: readonly (NamedArray | Tensor)[],
): Promise<Tensor[]> {
  const onnx = onnxInUse();
  if (onnx) {
    const arrays = await Promise.all(given.map((input) => ('dtype' in input ? arrayOf(input) : input)));
    const outputs = await (await predictorOf(graph, onnx)).run(arrays);
    return outputs.map(({ data, shape }) => tf.tensor(data, [...shape]));
  }
  return tf.tidy(() => {
    const tensors = given.map((input) =>
      'dtype' in input ? input : tf.tensor(input.data, [...input.shape]),
    );
    return infer(graph, tensors);
  });
}

/** A tensor's numbers as they are now. */
export async function arrayOf(tensor: Tensor): Promise<NamedArray> {
  return { shape: tensor.shape, data: Float32Array.from(await tensor.data()) };
}
