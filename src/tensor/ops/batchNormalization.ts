import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { BATCH_NORM, BATCH_NORM_GRADIENT } from '../kernels/batchNorm.js';
import { tf } from '../tf.js';

/**
 * Applies batch normalization in training mode, with the statistics of `x` over all axes except the last:
 * `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, with biased variance (S. Ioffe and C. Szegedy 2015). `mean` and `variance`
 * have the shape `[channels]` and no gradient. The gradient of `y` is computed with the formula of the paper, in a few large operations.
 *
 * @param gamma - Scale, `[channels]`. Default: ones.
 * @param beta - Offset, `[channels]`. Default: zeros.
 */
export function batchNormTraining(
  x: Tensor,
  gamma: Tensor | undefined,
  beta: Tensor | undefined,
  epsilon: number,
): { y: Tensor; mean: Tensor; variance: Tensor } {
  const channels = x.shape.at(-1)!;
  let mean: Tensor | undefined;
  let variance: Tensor | undefined;
  const normalize = tf.customGrad(((...args: unknown[]) => {
    const save = args.pop() as (tensors: Tensor[]) => void;
    const [values, scale, shift] = args as [Tensor, Tensor1D, Tensor1D];
    const [y, m, v] = runForward(values, scale, shift, epsilon);
    // The tidy scope of a custom gradient would dispose the statistics, which the caller needs.
    [mean, variance] = [tf.keep(m), tf.keep(v)];
    save([values, scale, m, v]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [xs, gs, ms, vs] = saved as [Tensor, Tensor, Tensor, Tensor];
        return runBackward(xs, dy, gs, ms, vs, epsilon);
      },
    };
  }) as never);
  const y = normalize(x, gamma ?? tf.ones([channels]), beta ?? tf.zeros([channels]));
  return { y, mean: moveToCurrentScope(mean!), variance: moveToCurrentScope(variance!) };
}

/** Statistics and weights of batch normalization in inference mode, each of shape `[channels]`. */
export interface BatchNormStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly gamma: Tensor | undefined;
  readonly beta: Tensor | undefined;
}

/**
 * Applies batch normalization in inference mode, with precomputed statistics. The gradient is computed only for `x`, as one factor per
 * channel. The gradient of `tf.batchNorm` is not used because it computes gradients for all five inputs and stores the batch size in an
 * attribute, so that a traced graph would work for one batch size only.
 */
export function batchNormInference(
  x: Tensor,
  { mean, variance, gamma, beta }: BatchNormStatistics,
  epsilon: number,
): Tensor {
  const normalize = tf.customGrad(((values: Tensor) => ({
    value: tf.batchNorm(
      values,
      mean as Tensor1D,
      variance as Tensor1D,
      beta as Tensor1D,
      gamma as Tensor1D,
      epsilon,
    ),
    gradFunc: (dy: Tensor) => {
      const scale = tf.rsqrt(tf.add(variance, epsilon));
      return tf.mul(dy, gamma ? tf.mul(gamma, scale) : scale);
    },
  })) as never) as (x: Tensor) => Tensor;
  return normalize(x);
}

/** Moves a tensor that was kept with `tf.keep` into the current tidy scope, which disposes of it. */
function moveToCurrentScope(keptTensor: Tensor): Tensor {
  const tensor = tf.clone(keptTensor);
  keptTensor.dispose();
  return tensor;
}

type TensorTriple = [Tensor, Tensor, Tensor];

function runForward(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): TensorTriple {
  if (tf.getKernel(BATCH_NORM, tf.getBackend())) {
    return tf.engine().runKernel(BATCH_NORM, { x, gamma, beta }, { epsilon }) as unknown as TensorTriple;
  }
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const { mean, variance } = tf.moments(x, axes);
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
  return [tf.add(tf.mul(tf.sub(x, mean), scale), beta), mean, variance];
}

function runBackward(
  x: Tensor,
  dy: Tensor,
  gamma: Tensor,
  mean: Tensor,
  variance: Tensor,
  epsilon: number,
): TensorTriple {
  if (tf.getKernel(BATCH_NORM_GRADIENT, tf.getBackend())) {
    const inputs = { x, dy, gamma, mean, variance };
    return tf.engine().runKernel(BATCH_NORM_GRADIENT, inputs, { epsilon }) as unknown as TensorTriple;
  }
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const count = x.size / x.shape.at(-1)!;
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const normalized = tf.mul(tf.sub(x, mean), inverse);
  const dbeta = tf.sum(dy, axes);
  const dgamma = tf.sum(tf.mul(dy, normalized), axes);
  const centered = tf.sub(dy, tf.div(tf.add(dbeta, tf.mul(normalized, dgamma)), count));
  return [tf.mul(centered, tf.mul(gamma, inverse)), dgamma, dbeta];
}
