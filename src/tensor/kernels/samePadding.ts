import { overrideKernel } from '../overrideKernel.js';
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
    overrideKernel<ForwardAttributes>('wasm', kernelName, (inputs, attributes, { runStock }) => {
      if (attributes.pad !== 'same') return undefined;
      const { x, filter } = inputs;
      const { padding } = computeConvolutionGeometry(
        x!.shape,
        filter!.shape,
        toPair(attributes.strides),
        toPair(attributes.dilations),
        'same',
      );
      const pad = [
        [0, 0],
        [padding.top, padding.bottom],
        [padding.left, padding.right],
        [0, 0],
      ];
      return runStock(inputs, { ...attributes, pad });
    });
  }
}
