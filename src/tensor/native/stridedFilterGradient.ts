import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';
import { overrideNativeKernel } from './tensorflowOps.js';

interface FilterGradientAttributes {
  readonly filterShape: readonly number[];
  readonly strides: Pair;
  readonly dataFormat?: string;
}

/**
 * Replaces the filter gradient of a strided 1x1 convolution, for which TensorFlow writes out of bounds and eventually crashes (seen with
 * TensorFlow 2.21 and oneDNN on AVX-512, also from Python). A strided 1x1 convolution reads only every n-th pixel, so the replacement
 * removes the other pixels first and uses a stride of 1.
 */
export function fixStridedFilterGradient(): void {
  overrideNativeKernel('Conv2DBackpropFilter', ({ x, dy }, attributes: FilterGradientAttributes) => {
    const { filterShape, strides, dataFormat } = attributes;
    const [rowStride, columnStride] = toPair(strides);
    const isPointwise = filterShape[0] === 1 && filterShape[1] === 1;
    const isStrided = rowStride !== 1 || columnStride !== 1;
    if (!isPointwise || !isStrided || dataFormat !== 'NHWC') return undefined;
    const pixels = tf.stridedSlice(x as tf.Tensor, [0, 0, 0, 0], x!.shape, [1, rowStride, columnStride, 1]);
    const inputs = { x: pixels, dy: dy as tf.Tensor };
    const unstrided = { ...attributes, strides: [1, 1] };
    return tf.engine().runKernel('Conv2DBackpropFilter', inputs, unstrided as never) as tf.Tensor;
  });
}
