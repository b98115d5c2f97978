import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';
import { filterGradient, geometryOf, inputGradient } from './convolutionGradients.js';

interface GradientAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | [number, number][];
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly filterShape?: number[];
  readonly inputShape?: number[];
}

/** Gradients of `tf.conv2d` for wasm: by the filter, which it lacks, and by the input, which it does slowly. */
export function registerConvolutionGradients(): void {
  register('Conv2DBackpropFilter', ({ x, dy }, { filterShape, ...rest }) =>
    filterGradient(x!, dy!, filterShape!, geometry(x!.shape, filterShape!, rest)),
  );
  register('Conv2DBackpropInput', ({ dy, filter }, { inputShape, ...rest }) =>
    inputGradient(dy!, filter!, inputShape!, geometry(inputShape!, filter!.shape, rest)),
  );
}

const pair = (value: [number, number] | number): [number, number] =>
  typeof value === 'number' ? [value, value] : value;

function geometry(xShape: readonly number[], filterShape: readonly number[], attributes: GradientAttributes) {
  if (attributes.dataFormat === 'NCHW') throw new Error('wasm convolutions are channels-last only');
  return geometryOf(xShape, filterShape, pair(attributes.strides), [1, 1], attributes.pad);
}

function register(
  kernelName: string,
  run: (inputs: { [name: string]: Tensor4D }, attributes: GradientAttributes) => Tensor4D,
): void {
  if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => run(inputs as never, attrs as never),
  });
}
