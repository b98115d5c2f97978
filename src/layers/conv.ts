import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock, L2_ADVICE, SIZE_ADVICE } from './block.js';
import { createWindowOutputSize, type Padding } from './windowSize.js';

/**
 * Activations by Keras's names.
 *
 * @category Compose
 */
export type Activation = 'linear' | 'relu' | 'elu' | 'selu' | 'sigmoid' | 'tanh' | 'softplus' | 'swish';

/**
 * What {@link conv} and {@link depthwiseConv} both take.
 *
 * @category Compose
 */
export interface WindowOptions {
  /** Pixels between windows; default 1. */
  readonly strides?: number;
  /** `valid` (default) keeps to the image, `same` pads it with zeros so that only strides shrink it. */
  readonly padding?: Padding;
  /** Default `relu`. */
  readonly activation?: Activation;
  /** Whether a bias is added; default true. */
  readonly useBias?: boolean;
  /** Factor of the kernel's L2 penalty, `l2 · Σ w²`; default none. */
  readonly l2?: number;
}

/**
 * Options of {@link conv}.
 *
 * @category Compose
 */
export interface ConvOptions extends WindowOptions {
  /** Pixels between the taps of the kernel; default 1. */
  readonly dilation?: number;
}

/**
 * Options of {@link depthwiseConv}.
 *
 * @category Compose
 */
export interface DepthwiseConvOptions extends WindowOptions {
  /** Output channels for each input channel; default 1. */
  readonly depthMultiplier?: number;
}

/**
 * A 2-D convolution with bias and relu. `[batch, height, width, channels]` in,
 * `[batch, height', width', filters]` out. Kernel from Glorot's uniform distribution, bias zero; same as Keras 3
 * `Conv2D` (layers/convolutional/conv2d.py) but for the default activation, which is `relu` here.
 *
 * @param filters - Output channels.
 * @param kernelSize - Side of the square window in pixels.
 * @throws `argument` fault for a size that is not a whole number of at least 1.
 * @example
 * ```ts
 * import { conv, maxPool, sharedTrunk } from 'tfjs-multitask';
 *
 * const trunk = sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2)]);
 * console.log(trunk.pieces.length); // 3
 * ```
 * @category Compose
 */
export function conv(filters: number, kernelSize: number, options: ConvOptions = {}): Block {
  checks.integer('conv.filters', filters, { min: 1, advice: SIZE_ADVICE });
  const { config, side } = createWindowConfig('conv', kernelSize, options);
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
    side,
  );
}

/**
 * A depthwise 2-D convolution: one kernel for each channel, with bias and relu. `[batch, height, width, channels]` in,
 * `[batch, height', width', channels · depthMultiplier]` out. Same as Keras 3 `DepthwiseConv2D`
 * (layers/convolutional/depthwise_conv2d.py) but for the default activation, which is `relu` here, and without its
 * `dilation_rate`, of which TensorFlow.js's layer takes no notice.
 *
 * Source: A. G. Howard et al., MobileNets, 2017.
 *
 * @param kernelSize - Side of the square window in pixels.
 * @throws `argument` fault for a size that is not a whole number of at least 1.
 * @example
 * ```ts
 * import { conv, depthwiseConv, sharedTrunk } from 'tfjs-multitask';
 *
 * const separable = [depthwiseConv(3, { padding: 'same' }), conv(64, 1)];
 * console.log(sharedTrunk(separable).pieces.length); // 2
 * ```
 * @category Compose
 */
export function depthwiseConv(kernelSize: number, options: DepthwiseConvOptions = {}): Block {
  const { depthMultiplier = 1, l2 } = options;
  checks.integer('depthwiseConv.depthMultiplier', depthMultiplier, { min: 1, advice: SIZE_ADVICE });
  const { config, side } = createWindowConfig('depthwiseConv', kernelSize, options);
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
    side,
  );
}

function createWindowConfig(path: string, kernelSize: number, options: ConvOptions) {
  const { strides = 1, padding = 'valid', dilation = 1, activation = 'relu', useBias = true } = options;
  checks.integer(`${path}.kernelSize`, kernelSize, { min: 1, advice: SIZE_ADVICE });
  checks.integer(`${path}.strides`, strides, { min: 1, advice: SIZE_ADVICE });
  checks.integer(`${path}.dilation`, dilation, { min: 1, advice: SIZE_ADVICE });
  if (options.l2 !== undefined) checks.number(`${path}.l2`, options.l2, { min: 0, advice: L2_ADVICE });
  return {
    config: { kernelSize, strides, padding, dilationRate: dilation, activation, useBias },
    side: createWindowOutputSize(kernelSize, strides, padding, dilation),
  };
}
