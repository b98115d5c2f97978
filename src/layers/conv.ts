import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock, L2_ADVICE, SIZE_ADVICE } from './block.js';
import { checkPadding, createWindowOutputSize, type Padding } from './windowSize.js';

/**
 * Name of an activation function, as in Keras.
 *
 * @category Compose
 */
export type Activation = 'linear' | 'relu' | 'elu' | 'selu' | 'sigmoid' | 'tanh' | 'softplus' | 'swish';

/**
 * Options that {@link conv} and {@link depthwiseConv} have in common.
 *
 * @category Compose
 */
export interface WindowOptions {
  /** Stride: the distance in pixels between neighboring windows. Default 1. */
  readonly strides?: number;
  /** Padding of the input: `valid` (default) uses no padding; `same` pads with zeros, so that only strides reduce the size. */
  readonly padding?: Padding;
  /** Activation function. Default `relu`. */
  readonly activation?: Activation;
  /** Whether to add a bias. Default true. */
  readonly useBias?: boolean;
  /** Factor of the L2 penalty on the kernel, which adds `l2 · Σ w²` to the loss. Default: no penalty. */
  readonly l2?: number;
}

/**
 * Options for {@link conv}.
 *
 * @category Compose
 */
export interface ConvOptions extends WindowOptions {
  /** Dilation rate: the distance in pixels between neighboring elements of the kernel. Default 1. */
  readonly dilation?: number;
}

/**
 * Options for {@link depthwiseConv}.
 *
 * @category Compose
 */
export interface DepthwiseConvOptions extends WindowOptions {
  /** Number of output channels for each input channel. Default 1. */
  readonly depthMultiplier?: number;
}

/**
 * Creates a 2-D convolution layer with a bias and an activation. Equivalent to Keras 3 `Conv2D` (layers/convolutional/conv2d.py), except
 * that the default activation is `relu`.
 *
 * - Input: `[batch, height, width, channels]`.
 * - Output: `[batch, height', width', filters]`.
 * - Initial weights: Glorot uniform for the kernel, zeros for the bias.
 *
 * @param filters - Number of output channels.
 * @param kernelSize - Side of the square window in pixels.
 * @param options - Strides, padding, dilation, activation, bias and L2 penalty.
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @throws An `argument` error for a size or a count that is not a whole number of at least 1, or a negative penalty.
 * @example
 * ```ts
 * import { conv, maxPool, sharedTrunk } from 'tfjs-multitask';
 *
 * const trunk = sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2)]);
 * console.log(trunk.layerStack.length); // 3
 * ```
 * @category Compose
 */
export function conv(filters: number, kernelSize: number, options: ConvOptions = {}): Block {
  checks.options('conv', options, { ...WINDOW_OPTION_NAMES, dilation: true }, WINDOW_ADVICE);
  checks.integer('conv.filters', filters, { min: 1, advice: SIZE_ADVICE });
  const { config, computeOutputSize } = createWindowConfig('conv', kernelSize, options);
  return createLayerBlock(
    'conv',
    (name) =>
      tf.layers.conv2d({
        ...config,
        name,
        filters,
        kernelInitializer: 'glorotUniform',
        ...(options.l2 ? { kernelRegularizer: tf.regularizers.l2({ l2: options.l2 }) } : {}),
      }),
    computeOutputSize,
  );
}

/**
 * Creates a depthwise 2-D convolution layer, which applies a separate kernel to each channel, with a bias and an activation. Equivalent to
 * Keras 3 `DepthwiseConv2D` (layers/convolutional/depthwise_conv2d.py), except that the default activation is `relu`. There is no option
 * for the dilation rate, because the layer in TensorFlow.js ignores it.
 *
 * - Input: `[batch, height, width, channels]`.
 * - Output: `[batch, height', width', channels · depthMultiplier]`.
 *
 * Source: A. G. Howard et al., MobileNets, 2017.
 *
 * @param kernelSize - Side of the square window in pixels.
 * @param options - Strides, padding, depth multiplier, activation, bias and L2 penalty.
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @throws An `argument` error for a size or a count that is not a whole number of at least 1, or a negative penalty.
 * @example
 * ```ts
 * import { conv, depthwiseConv, sharedTrunk } from 'tfjs-multitask';
 *
 * const separable = [depthwiseConv(3, { padding: 'same' }), conv(64, 1)];
 * console.log(sharedTrunk(separable).layerStack.length); // 2
 * ```
 * @category Compose
 */
export function depthwiseConv(kernelSize: number, options: DepthwiseConvOptions = {}): Block {
  checks.options('depthwiseConv', options, { ...WINDOW_OPTION_NAMES, depthMultiplier: true }, WINDOW_ADVICE);
  const { depthMultiplier = 1, l2 } = options;
  checks.integer('depthwiseConv.depthMultiplier', depthMultiplier, { min: 1, advice: SIZE_ADVICE });
  const { config, computeOutputSize } = createWindowConfig('depthwiseConv', kernelSize, options);
  return createLayerBlock(
    'depthwise',
    (name) =>
      tf.layers.depthwiseConv2d({
        ...config,
        name,
        depthMultiplier,
        depthwiseInitializer: 'glorotUniform',
        ...(l2 ? { depthwiseRegularizer: tf.regularizers.l2({ l2 }) } : {}),
      }),
    computeOutputSize,
  );
}

/** Names of the options of all layers with a kernel. */
const WINDOW_OPTION_NAMES: checks.OptionNames<WindowOptions> = {
  strides: true,
  padding: true,
  activation: true,
  useBias: true,
  l2: true,
};

const WINDOW_ADVICE = {
  advice: 'Pass the options as the last argument, for example { strides: 2 }.',
  replacements: {
    kernelSize: 'Pass this value as a number before the options: conv(8, 3).',
    filters: 'Pass this value as a number before the options: conv(8, 3).',
  },
};

const ACTIVATIONS: { readonly [name in Activation]: true } = {
  linear: true,
  relu: true,
  elu: true,
  selu: true,
  sigmoid: true,
  tanh: true,
  softplus: true,
  swish: true,
};

/** Throws an `argument` error for an unknown activation function. */
export function checkActivation(path: string, activation: unknown): void {
  checks.oneOf(path, activation, Object.keys(ACTIVATIONS), {
    advice: "Write activation: 'relu'. The softmax of a classification is part of its task.",
  });
}

function createWindowConfig(path: string, kernelSize: number, options: ConvOptions) {
  const { strides = 1, padding = 'valid', dilation = 1, activation = 'relu', useBias = true } = options;
  checks.integer(`${path}.kernelSize`, kernelSize, { min: 1, advice: SIZE_ADVICE });
  checks.integer(`${path}.strides`, strides, { min: 1, advice: SIZE_ADVICE });
  checks.integer(`${path}.dilation`, dilation, { min: 1, advice: SIZE_ADVICE });
  checkPadding(path, padding);
  checkActivation(`${path}.activation`, activation);
  checks.boolean(`${path}.useBias`, useBias, { advice: 'Omit it to use the default, true.' });
  if (options.l2 !== undefined) checks.number(`${path}.l2`, options.l2, { min: 0, advice: L2_ADVICE });
  return {
    config: { kernelSize, strides, padding, dilationRate: dilation, activation, useBias },
    computeOutputSize: createWindowOutputSize(kernelSize, strides, padding, dilation),
  };
}
