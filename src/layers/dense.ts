import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { type Block, createLayerBlock, L2_ADVICE, SIZE_ADVICE } from './block.js';
import { type Activation, checkActivation } from './conv.js';

/**
 * Options for {@link dense}.
 *
 * @category Compose
 */
export interface DenseOptions {
  /** Activation function. Default `relu`. */
  readonly activation?: Activation;
  /** Whether to add a bias. Default true. */
  readonly useBias?: boolean;
  /** Factor of the L2 penalty on the kernel, which adds `l2 · Σ w²` to the loss. Default: no penalty. */
  readonly l2?: number;
}

/**
 * Creates a fully connected layer with a bias and an activation. Equivalent to Keras 3 `Dense` (layers/core/dense.py), except that the
 * default activation is `relu`. Do not add a dense layer as the output layer (head) of a task, because `.task()` adds the head.
 *
 * - Input: `[batch, n]`.
 * - Output: `[batch, units]`.
 * - Initial weights: Glorot uniform for the kernel, zeros for the bias.
 *
 * @param units - Number of outputs.
 * @param options - Activation, bias and L2 penalty.
 * @returns A block for {@link branch}.
 * @throws An `argument` error for a number of units that is not a whole number of at least 1, or a negative penalty.
 * @example
 * ```ts
 * import { branch, dense, dropout, flatten } from 'tfjs-multitask';
 *
 * console.log(branch([flatten(), dense(128, { l2: 1e-3 }), dropout(0.3)]).layerStack.length); // 3
 * ```
 * @category Compose
 */
export function dense(units: number, options: DenseOptions = {}): Block {
  checks.options(
    'dense',
    options,
    { activation: true, useBias: true, l2: true },
    {
      advice: "Pass the options as the second argument, for example { activation: 'relu' }.",
    },
  );
  const { activation = 'relu', useBias = true, l2 } = options;
  checkActivation('dense.activation', activation);
  checks.boolean('dense.useBias', useBias, { advice: 'Omit it to use the default, true.' });
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
