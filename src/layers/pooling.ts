import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock, SIZE_ADVICE } from './block.js';
import { checkPadding, createWindowOutputSize, type Padding } from './windowSize.js';

/**
 * Options for {@link maxPool} and {@link averagePool}.
 *
 * @category Compose
 */
export interface PoolOptions {
  /** Stride: the distance in pixels between neighboring windows. Default: the side of the window. */
  readonly strides?: number;
  /** Padding of the input: `valid` (default) ignores pixels at the border that do not fill a whole window; `same` includes these pixels. */
  readonly padding?: Padding;
}

/**
 * Creates a max pooling layer, which computes the largest value of each window and channel. Equivalent to Keras 3 `MaxPooling2D`
 * (layers/pooling/max_pooling2d.py).
 *
 * - Input: `[batch, height, width, channels]`.
 * - Output: the same shape with height and width divided by the stride.
 *
 * @param size - Side of the square window in pixels.
 * @param options - Strides and padding.
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @throws An `argument` error for a size that is not a whole number of at least 1.
 * @example
 * ```ts
 * import { conv, maxPool, sharedTrunk } from 'tfjs-multitask';
 *
 * console.log(sharedTrunk([conv(8, 3), maxPool(2)]).layerStack.length); // 2
 * ```
 * @category Compose
 */
export function maxPool(size: number, options: PoolOptions = {}): Block {
  const { config, computeOutputSize } = createPoolConfig('maxPool', size, options);
  return createLayerBlock('pool', (name) => tf.layers.maxPooling2d({ ...config, name }), computeOutputSize);
}

/**
 * Creates an average pooling layer, which computes the mean of each window and channel. With `same` padding, pixels outside the image do
 * not count. Equivalent to Keras 3 `AveragePooling2D` (layers/pooling/average_pooling2d.py).
 *
 * - Input: `[batch, height, width, channels]`.
 * - Output: the same shape with height and width divided by the stride.
 *
 * @param size - Side of the square window in pixels.
 * @param options - Strides and padding.
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @throws An `argument` error for a size that is not a whole number of at least 1.
 * @example
 * ```ts
 * import { averagePool, conv, sharedTrunk } from 'tfjs-multitask';
 *
 * console.log(sharedTrunk([conv(8, 3), averagePool(2)]).layerStack.length); // 2
 * ```
 * @category Compose
 */
export function averagePool(size: number, options: PoolOptions = {}): Block {
  const { config, computeOutputSize } = createPoolConfig('averagePool', size, options);
  return createLayerBlock(
    'avgpool',
    (name) => tf.layers.averagePooling2d({ ...config, name }),
    computeOutputSize,
  );
}

/**
 * Creates a global average pooling layer, which computes the mean of each channel over the whole feature map. With this layer, the number
 * of weights of a branch does not depend on the image size. Equivalent to Keras 3 `GlobalAveragePooling2D`
 * (layers/pooling/global_average_pooling2d.py).
 *
 * - Input: `[batch, height, width, channels]`.
 * - Output: `[batch, channels]`.
 *
 * @returns A block for {@link sharedTrunk} or {@link branch}.
 * @example
 * ```ts
 * import { branch, dense, globalAveragePool } from 'tfjs-multitask';
 *
 * console.log(branch([globalAveragePool(), dense(16)]).layerStack.length); // 2
 * ```
 * @category Compose
 */
export function globalAveragePool(): Block {
  checks.noOptions('globalAveragePool', arguments[0]);
  return createLayerBlock('gap', (name) => tf.layers.globalAveragePooling2d({ name }));
}

function createPoolConfig(path: string, size: number, options: PoolOptions) {
  checks.options(
    path,
    options,
    { strides: true, padding: true },
    {
      advice: 'Pass the options as the second argument, for example { strides: 2 }.',
      replacements: { poolSize: `Pass it as the first argument: ${path}(2).` },
    },
  );
  const { strides = size, padding = 'valid' } = options;
  checkPadding(path, padding);
  checks.integer(`${path}.size`, size, { min: 1, advice: SIZE_ADVICE });
  checks.integer(`${path}.strides`, strides, { min: 1, advice: SIZE_ADVICE });
  return {
    config: { poolSize: size, strides, padding },
    computeOutputSize: createWindowOutputSize(size, strides, padding),
  };
}
