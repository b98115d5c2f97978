import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { BATCH_NORM, BATCH_NORM_GRADIENT } from './kernels/batchNorm.js';
import { tf } from './tf.js';

/**
 * Batch normalisation with the statistics of `x` itself, over all axes but the last: `y = gamma (x - mean) /
 * sqrt(variance + epsilon) + beta`, biased variance (S. Ioffe and C. Szegedy 2015). `mean` and `variance`, `[channels]`,
 * carry no gradient. The gradient is the paper's, in a few large operations.
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
  const normalise = tf.customGrad(((...all: unknown[]) => {
    const save = all.pop() as (tensors: Tensor[]) => void;
    const [values, scale, shift] = all as [Tensor, Tensor1D, Tensor1D];
    const [y, m, v] = runForward(values, scale, shift, epsilon);
    // The scope of a custom gradient ends with it; the statistics go on.
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
  const y = normalise(x, gamma ?? tf.ones([channels]), beta ?? tf.zeros([channels]));
  return { y, mean: moveToCurrentScope(mean!), variance: moveToCurrentScope(variance!) };
}

/** What a batch normalisation that learns nothing works with, `[channels]` each. */
export interface BatchNormStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly gamma: Tensor | undefined;
  readonly beta: Tensor | undefined;
}

/**
 * Batch normalisation with given statistics, none of which is asked for a gradient: by `x` it is a factor for each channel.
 * tfjs's own gradient works out all five, and has the size of the batch in an attribute, which no recorded graph can leave open.
 */
export function batchNormInference(
  x: Tensor,
  { mean, variance, gamma, beta }: BatchNormStatistics,
  epsilon: number,
): Tensor {
  const normalise = tf.customGrad(((values: Tensor) => ({
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
  return normalise(x);
}

/** A kept tensor as one that belongs to the scope in use. */
function moveToCurrentScope(kept: Tensor): Tensor {
  const tensor = tf.clone(kept);
  kept.dispose();
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
  const normalised = tf.mul(tf.sub(x, mean), inverse);
  const dbeta = tf.sum(dy, axes);
  const dgamma = tf.sum(tf.mul(dy, normalised), axes);
  const centred = tf.sub(dy, tf.div(tf.add(dbeta, tf.mul(normalised, dgamma)), count));
  return [tf.mul(centred, tf.mul(gamma, inverse)), dgamma, dbeta];
}
