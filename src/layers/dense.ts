import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock, L2_ADVICE, SIZE_ADVICE } from './block.js';
import type { Activation } from './conv.js';

/**
 * Options of {@link importDense}.
 *
 * @category Compose
 */
export interface DenseOptions {
  /** Default `relu`. */
  readonly activation?: Activation;
  /** Whether a bias is added; default true. */
  readonly useBias?: boolean;
  /** Factor of the kernel's L2 penalty, `l2 · Σ w²`; default none. */
  readonly l2?: number;
}

/**
 * A fully connected layer with bias and relu: `[batch, n]` in, `[batch, units]` out. Kernel from Glorot's uniform
 * distribution, bias zero; same as Keras 3 `Dense` (layers/core/dense.py) but for the default activation, which is
 * `relu` here. The last dense layer of a task, its head, is added by `.task()`.
 *
 * @param units - Outputs.
 * @throws `argument` fault for a count that is not a whole number of at least 1.
 * @example
 * ```ts
 * import { branch, dense, dropout, flatten } from 'tfjs-multitask';
 *
 * console.log(branch([flatten(), dense(128, { l2: 1e-3 }), dropout(0.3)]).pieces.length); // 3
 * ```
 * @category Compose
 */
export function dense(units: number, { activation = 'relu', useBias = true, l2 }: DenseOptions = {}): Block {
  checks.integer('dense.units', units, { min: 1, advice: SIZE_ADVICE });
  if (l2 !== undefined) checks.number('dense.l2', l2, { min: 0, advice: L2_ADVICE });
  return createLayerBlock('dense', (name) =>
    tf.layers.dense({
      name,
      units,
      activation,
      useBias,
      kernelInitializer: 'glorotUniform',
      ...(l2 ? { kernelRegularizer: tf.regularizers.l2({ l2 }) } : {}),
    }),
  );
}
