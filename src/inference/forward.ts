import type { Tensor } from '@tensorflow/tfjs';
import type { HostArray } from '../core/arrays.js';
import { getPredictor } from '../engines/onnx/executor/predictor.js';
import { getCurrentOnnx } from '../engines/select.js';
import { type InferenceFunction, type LayerGraph, runInference } from '../network/layerGraph.js';
import { tf } from '../tensor/tf.js';

/**
 * One batch through a graph in inference mode, by the engine in use: a tensor an output. Images are in the network's range;
 * a tensor that is given stays the caller's, and so do those that come out. The weights are the model's variables:
 * {@link syncWeights} them first where somebody trains them.
 */
export async function forward(
  graph: LayerGraph | InferenceFunction,
  given: readonly (HostArray | Tensor)[],
): Promise<Tensor[]> {
  const onnx = getCurrentOnnx();
  if (onnx) {
    const arrays = await Promise.all(given.map((input) => ('dtype' in input ? readTensor(input) : input)));
    const outputs = await (await getPredictor(graph, onnx)).run(arrays);
    return outputs.map(({ data, shape }) => tf.tensor(data, [...shape]));
  }
  return tf.tidy(() => {
    const tensors = given.map((input) =>
      'dtype' in input ? input : tf.tensor(input.data, [...input.shape]),
    );
    return runInference(graph, tensors);
  });
}

/** A tensor's numbers as they are now. */
export async function readTensor(tensor: Tensor): Promise<HostArray> {
  return { shape: tensor.shape, data: Float32Array.from(await tensor.data()) };
}
