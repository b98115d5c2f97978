import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';

interface ConvolutionAttributes {
  readonly strides: Pair;
  readonly dataFormat?: string;
}

/**
 * Adds a channel of zeros to batches of single-channel images in convolutions whose column stride is above 1 and whose row stride is 1.
 * Without this channel, TensorFlow computes wrong results if the output is one column wide (seen with TensorFlow 2.21 and oneDNN, also from
 * Python).
 */
export function fixSingleChannelConvolution(): void {
  for (const kernelName of ['Conv2D', 'FusedConv2D']) {
    overrideKernel<ConvolutionAttributes>('tensorflow', kernelName, (inputs, attributes, { runStock }) => {
      const { x, filter } = inputs;
      const { strides, dataFormat = 'NHWC' } = attributes;
      const [rowStride, columnStride] = toPair(strides);
      const [batch, , , channels] = x!.shape;
      if (dataFormat !== 'NHWC' || channels !== 1 || batch === 1) return undefined;
      if (rowStride !== 1 || columnStride === 1) return undefined;
      const padded = { x: addChannelOfZeros(x!, 3), filter: addChannelOfZeros(filter!, 2) };
      return runStock({ ...inputs, ...padded }, attributes);
    });
  }
}

function addChannelOfZeros(tensor: tf.TensorInfo, channelAxis: 2 | 3): tf.Tensor {
  const padding = tensor.shape.map((_, axis) => [0, axis === channelAxis ? 1 : 0] as [number, number]);
  return tf.pad(tensor as tf.Tensor, padding);
}
