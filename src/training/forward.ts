import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { onnxInUse } from '../engines/choose.js';
import { predictorOf } from '../engines/onnx/predictor.js';
import type { NamedArray } from '../io/tensorFile.js';
import { runGraph } from '../models/graph.js';
import type { Network } from '../models/network.js';
import { settle } from '../models/settle.js';
import { tf } from '../tensor/tf.js';

/**
 * The predictions of one batch in inference mode, a tensor a task, by the engine in use. `images` are in the network's
 * range; a tensor stays the caller's, and so do those that come out.
 */
export async function forward(network: Network, images: NamedArray | Tensor4D): Promise<Tensor[]> {
  settle(network.layersModel);
  const onnx = onnxInUse();
  if (onnx) {
    const array = 'dtype' in images ? await arrayOf(images) : images;
    const outputs = await (await predictorOf(network, onnx)).run(array);
    return outputs.map(({ data, shape }) => tf.tensor(data, [...shape]));
  }
  const x = 'dtype' in images ? images : tf.tensor(images.data, [...images.shape]);
  try {
    return tf.tidy(() => runGraph(network.graph, x, { training: false }));
  } finally {
    if (x !== images) x.dispose();
  }
}

const arrayOf = async (tensor: Tensor4D): Promise<NamedArray> => ({
  shape: tensor.shape,
  data: Float32Array.from(await tensor.data()),
});
