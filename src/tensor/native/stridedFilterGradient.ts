import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';

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
  overrideKernel<FilterGradientAttributes>(
    'tensorflow',
    'Conv2DBackpropFilter',
    ({ x, dy }, attributes, { runStock }) => {
      const { filterShape, strides, dataFormat } = attributes;
      const [rowStride, columnStride] = toPair(strides);
      const isPointwise = filterShape[0] === 1 && filterShape[1] === 1;
      const isStrided = rowStride !== 1 || columnStride !== 1;
      if (!isPointwise || !isStrided || dataFormat !== 'NHWC') return undefined;
      const pixels = tf.stridedSlice(x as tf.Tensor, [0, 0, 0, 0], x!.shape, [1, rowStride, columnStride, 1]);
      return runStock({ x: pixels, dy: dy! }, { ...attributes, strides: [1, 1] });
    },
  );
}
