import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock, SIZE_ADVICE } from './block.js';
import { createWindowOutputSize, type Padding } from './windowSize.js';

/**
 * Options of {@link maxPool} and {@link averagePool}.
 *
 * @category Compose
 */
export interface PoolOptions {
  /** Pixels between windows; default the window's side. */
  readonly strides?: number;
  /** `valid` (default) drops what fills no whole window, `same` keeps it. */
  readonly padding?: Padding;
}

/**
 * The largest value of each window and channel. `[batch, height, width, channels]` in, height and width divided by the
 * stride out. Same as Keras 3 `MaxPooling2D` (layers/pooling/max_pooling2d.py).
 *
 * @param size - Side of the square window in pixels.
 * @throws `argument` fault for a size that is not a whole number of at least 1.
 * @example
 * ```ts
 * import { conv, maxPool, sharedTrunk } from 'tfjs-multitask';
 *
 * console.log(sharedTrunk([conv(8, 3), maxPool(2)]).pieces.length); // 2
 * ```
 * @category Compose
 */
export function maxPool(size: number, options: PoolOptions = {}): Block {
  const { config, side } = createPoolConfig('maxPool', size, options);
  return createLayerBlock('pool', (name) => tf.layers.maxPooling2d({ ...config, name }), side);
}

/**
 * The mean of each window and channel; with `same` padding, of the pixels that exist. Shapes as {@link maxPool}. Same
 * as Keras 3 `AveragePooling2D` (layers/pooling/average_pooling2d.py).
 *
 * @param size - Side of the square window in pixels.
 * @throws `argument` fault for a size that is not a whole number of at least 1.
 * @example
 * ```ts
 * import { averagePool, conv, sharedTrunk } from 'tfjs-multitask';
 *
 * console.log(sharedTrunk([conv(8, 3), averagePool(2)]).pieces.length); // 2
 * ```
 * @category Compose
 */
export function averagePool(size: number, options: PoolOptions = {}): Block {
  const { config, side } = createPoolConfig('averagePool', size, options);
  return createLayerBlock('avgpool', (name) => tf.layers.averagePooling2d({ ...config, name }), side);
}

/**
 * The mean of each channel over the whole image: `[batch, height, width, channels]` in, `[batch, channels]` out, so
 * that a branch fits any image size. Same as Keras 3 `GlobalAveragePooling2D`
 * (layers/pooling/global_average_pooling2d.py).
 *
 * @example
 * ```ts
 * import { branch, dense, globalAveragePool } from 'tfjs-multitask';
 *
 * console.log(branch([globalAveragePool(), dense(16)]).pieces.length); // 2
 * ```
 * @category Compose
 */
export function globalAveragePool(): Block {
  return createLayerBlock('gap', (name) => tf.layers.globalAveragePooling2d({ name }));
}

function createPoolConfig(path: string, size: number, { strides = size, padding = 'valid' }: PoolOptions) {
  checks.integer(`${path}.size`, size, { min: 1, advice: SIZE_ADVICE });
  checks.integer(`${path}.strides`, strides, { min: 1, advice: SIZE_ADVICE });
  return {
    config: { poolSize: size, strides, padding },
    side: createWindowOutputSize(size, strides, padding),
  };
}
