import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { insertZeros } from '../kernels/convolutionGradients.js';
import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';

type Shape4D = readonly [height: number, width: number, channels: number, multiplier: number];

interface InputGradientAttributes {
  readonly dilations: Pair;
}

interface FilterGradientAttributes extends InputGradientAttributes {
  readonly filterShape: Shape4D;
}

/**
 * Replaces the gradients of dilated depthwise convolutions, which TensorFlow rejects for most paddings (seen with TensorFlow 2.21 and
 * oneDNN). A filter with zeros between its rows and columns needs no dilation. The gradient with respect to the filter consists of every
 * n-th row and column of the gradient with respect to that larger filter.
 */
export function fixDilatedDepthwiseGradients(): void {
  overrideKernel<InputGradientAttributes>(
    'tensorflow',
    'DepthwiseConv2dNativeBackpropInput',
    ({ dy, filter }, attributes, { runStock }) => {
      const dilations = toPair(attributes.dilations);
      if (!isDilated(dilations)) return undefined;
      const [height, width, channels, multiplier] = filter!.shape as unknown as Shape4D;
      const taps: Tensor4D = tf.reshape(filter as Tensor, [1, height, width, channels * multiplier]);
      const spread = insertZeros(taps, dilations);
      const largeFilter = tf.reshape(spread, [spread.shape[1], spread.shape[2], channels, multiplier]);
      return runStock({ dy: dy!, filter: largeFilter }, { ...attributes, dilations: [1, 1] });
    },
  );
  overrideKernel<FilterGradientAttributes>(
    'tensorflow',
    'DepthwiseConv2dNativeBackpropFilter',
    (inputs, attributes, { runStock }) => {
      const dilations = toPair(attributes.dilations);
      if (!isDilated(dilations)) return undefined;
      const [height, width, channels, multiplier] = attributes.filterShape;
      const [rows, columns] = dilations;
      const filterShape = [(height - 1) * rows + 1, (width - 1) * columns + 1, channels, multiplier];
      const gradient = runStock(inputs, { ...attributes, dilations: [1, 1], filterShape }) as Tensor;
      return tf.stridedSlice(gradient, [0, 0, 0, 0], filterShape, [rows, columns, 1, 1]);
    },
  );
}

const isDilated = ([rows, columns]: readonly [number, number]) => rows !== 1 || columns !== 1;
