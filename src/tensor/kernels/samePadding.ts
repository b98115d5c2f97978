import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';
import { computeConvolutionGeometry } from './convolutionGradients.js';

interface ForwardAttributes {
  readonly pad: unknown;
  readonly strides: Pair;
  readonly dilations?: Pair;
}

/**
 * Makes the wasm convolutions use explicit padding sizes instead of `same` padding. With `same` padding and a stride larger than the
 * filter, the convolutions would return zeros, because XNNPACK rejects the operator and TensorFlow.js ignores this error.
 */
export function fixSamePadding(): void {
  const kernelNames = ['Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D'] as const;
  for (const kernelName of kernelNames) {
    const stock = tf.getKernel(kernelName, 'wasm');
    if (!stock) continue;
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      ...stock,
      kernelFunc: ({ inputs, backend, attrs }) => {
        const { x, filter } = inputs as never as { x: tf.TensorInfo; filter: tf.TensorInfo };
        const attributes = attrs as never as ForwardAttributes;
        if (attributes.pad !== 'same') return stock.kernelFunc({ inputs, backend, attrs: attrs! });
        const { strides, dilations } = attributes;
        const { padding } = computeConvolutionGeometry(
          x.shape,
          filter.shape,
          toPair(strides),
          toPair(dilations),
          'same',
        );
        const pad = [
          [0, 0],
          [padding.top, padding.bottom],
          [padding.left, padding.right],
          [0, 0],
        ];
        return stock.kernelFunc({ inputs, backend, attrs: { ...attributes, pad } as never });
      },
    });
  }
}
