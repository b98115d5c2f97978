import type { LayerVariable, Tensor, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../../tensor/tf.js';

/** Computes the output of a dense layer before its activation, `[batch, units]`, with the same operations as the layer. */
export function computeDenseLogits(layer: tf.layers.Layer, input: Tensor): Tensor {
  const [kernel, bias] = layer.weights as [LayerVariable, LayerVariable | undefined];
  const product = tf.matMul(input as Tensor2D, kernel.read() as Tensor2D);
  return bias ? tf.add(product, bias.read()) : product;
}
