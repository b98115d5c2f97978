import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import { BIAS_RELU_GRADIENT } from '../kernels/biasReluGradient.js';
import {
  computeConvolutionGeometry,
  computeFilterGradient,
  computeInputGradient,
} from '../kernels/convolutionGradients.js';
import { tf } from '../tf.js';

/** Options of a 2-D convolution of channels-last images. */
export interface ConvolutionOptions {
  readonly strides: readonly [number, number];
  readonly padding: 'valid' | 'same';
  readonly dilations: readonly [number, number];
  readonly activation: 'linear' | 'relu';
  /** Whether to compute the gradient with respect to `x`, which is not needed if `x` is the input of the network. Default: true. */
  readonly needsInputGradient?: boolean;
}

/**
 * Computes a 2-D convolution with bias and activation as one node of the gradient tape. `tf.fused.conv2d` runs three separate operations
 * while gradients are recorded, so that three copies of the output stay in memory.
 *
 * @param x - Images, `[batch, height, width, in]`.
 * @param filter - `[kernelHeight, kernelWidth, in, out]`.
 * @param bias - `[out]`, or undefined for no bias.
 */
export function convolution(
  x: Tensor4D,
  filter: Tensor4D,
  bias: Tensor1D | undefined,
  options: ConvolutionOptions,
): Tensor4D {
  return runWithCustomGradient('Conv2D', x, filter, bias, options, (xs, filters, dy) => {
    const { strides, dilations, padding } = options;
    if (dilations[0] === 1 && dilations[1] === 1) {
      const attributes = { strides: [...strides], pad: padding, dataFormat: 'NHWC' };
      return {
        x: () =>
          runKernel('Conv2DBackpropInput', { dy, filter: filters }, { ...attributes, inputShape: xs.shape }),
        filter: () =>
          runKernel('Conv2DBackpropFilter', { x: xs, dy }, { ...attributes, filterShape: filters.shape }),
      };
    }
    // No backend of TensorFlow.js has a kernel for the gradient of a dilated convolution.
    const geometry = computeConvolutionGeometry(xs.shape, filters.shape, strides, dilations, padding);
    return {
      x: () => computeInputGradient(dy, filters, xs.shape, geometry),
      filter: () => computeFilterGradient(xs, dy, filters.shape, geometry),
    };
  });
}

/**
 * Computes a depthwise 2-D convolution with bias and activation as one node of the gradient tape.
 *
 * @param x - Images, `[batch, height, width, in]`.
 * @param filter - `[kernelHeight, kernelWidth, in, multiplier]`.
 * @param bias - `[in * multiplier]`, or undefined for no bias.
 */
export function depthwiseConvolution(
  x: Tensor4D,
  filter: Tensor4D,
  bias: Tensor1D | undefined,
  options: ConvolutionOptions,
): Tensor4D {
  return runWithCustomGradient('DepthwiseConv2dNative', x, filter, bias, options, (xs, filters, dy) => {
    const { strides, dilations, padding } = options;
    const attributes = { strides: [...strides], dilations: [...dilations], pad: padding };
    return {
      x: () =>
        runKernel(
          'DepthwiseConv2dNativeBackpropInput',
          { dy, filter: filters },
          { ...attributes, inputShape: xs.shape },
        ),
      filter: () =>
        runKernel(
          'DepthwiseConv2dNativeBackpropFilter',
          { x: xs, dy },
          { ...attributes, filterShape: filters.shape },
        ),
    };
  });
}

type CreateGradients = (
  x: Tensor4D,
  filter: Tensor4D,
  dy: Tensor4D,
) => { x: () => Tensor4D; filter: () => Tensor4D };

function runWithCustomGradient(
  kernel: 'Conv2D' | 'DepthwiseConv2dNative',
  x: Tensor4D,
  filter: Tensor4D,
  bias: Tensor1D | undefined,
  options: ConvolutionOptions,
  createGradients: CreateGradients,
): Tensor4D {
  const { needsInputGradient = true, activation } = options;
  const node = tf.customGrad(((...args: unknown[]) => {
    const save = args.pop() as (tensors: Tensor[]) => void;
    const y = runForward(kernel, x, filter, bias, options);
    save([x, filter, y]);
    return {
      value: y,
      gradFunc: (dy: Tensor4D, saved: Tensor[]) => {
        const [xs, filters, ys] = saved as [Tensor4D, Tensor4D, Tensor4D];
        const [masked, sums] = computeActivationGradient(dy, ys, activation, bias !== undefined);
        const gradients = createGradients(xs, filters, masked);
        return [...(needsInputGradient ? [gradients.x()] : []), gradients.filter(), ...(sums ? [sums] : [])];
      },
    };
  }) as never);
  return node(...(needsInputGradient ? [x] : []), filter, ...(bias ? [bias] : [])) as Tensor4D;
}

function runForward(
  kernel: 'Conv2D' | 'DepthwiseConv2dNative',
  x: Tensor4D,
  filter: Tensor4D,
  bias: Tensor1D | undefined,
  { strides, padding, dilations, activation }: ConvolutionOptions,
): Tensor4D {
  const fused = kernel === 'Conv2D' ? 'FusedConv2D' : 'FusedDepthwiseConv2D';
  const attributes = {
    strides: [...strides],
    pad: padding,
    dilations: [...dilations],
    dataFormat: 'NHWC',
    activation,
  };
  if (tf.getKernel(fused, tf.getBackend()))
    return runKernel(fused, bias ? { x, filter, bias } : { x, filter }, attributes);
  const sums = runKernel(kernel, { x, filter }, attributes);
  const shifted = bias ? tf.add(sums, bias) : sums;
  return (activation === 'relu' ? tf.relu(shifted) : shifted) as Tensor4D;
}

/** Returns the gradient with respect to the input of the activation, and its sum per channel, the gradient of the bias, if there is a bias. */
function computeActivationGradient(
  dy: Tensor4D,
  y: Tensor4D,
  activation: 'linear' | 'relu',
  hasBias: boolean,
): [masked: Tensor4D, sums: Tensor | undefined] {
  const sumPixels = (gradient: Tensor4D) => (hasBias ? tf.sum(gradient, [0, 1, 2]) : undefined);
  if (activation === 'linear') return [dy, sumPixels(dy)];
  if (tf.getKernel(BIAS_RELU_GRADIENT, tf.getBackend())) {
    const [gradient, sums] = tf.engine().runKernel(BIAS_RELU_GRADIENT, { y, dy }) as unknown as [
      Tensor4D,
      Tensor,
    ];
    return [gradient, hasBias ? sums : undefined];
  }
  const masked = tf.mul(dy, tf.step(y)) as Tensor4D;
  return [masked, sumPixels(masked)];
}

function runKernel(kernel: string, inputs: { [name: string]: Tensor }, attributes: object): Tensor4D {
  return tf.engine().runKernel(kernel, inputs, attributes as never) as unknown as Tensor4D;
}
