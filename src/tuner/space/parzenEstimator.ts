import type { Json } from '../../core/json.js';
import type { Rng } from '../../core/rng.js';
import { buildFlatParams, isActive } from './flatParams.js';
import type { Parameter } from './parameters.js';
import type { Dimension, FlatParams, ParameterMap, Space } from './space.js';

/** Probability distribution of params, estimated from trials. */
export interface ParzenEstimator {
  /** Samples params from the distribution. */
  sample(rng: Rng): FlatParams;
  /** Returns the logarithm of the probability of params, or of their density for continuous parameters. */
  logLikelihood(flat: FlatParams): number;
}

/** Probability distribution of one parameter around its value in one trial. */
interface Kernel {
  sample(rng: Rng): Json;
  likelihood(value: Json): number;
}

/**
 * Creates a multivariate Parzen estimator (S. Watanabe, 2023, arXiv 2304.11127): a mixture with one component per trial and one
 * prior component that covers the whole space. A component is the product of one kernel per parameter, so values that occur
 * together in a trial are sampled together. A trial has no value for a parameter of an alternative that the trial did not choose.
 * Its component then uses the prior kernel for that parameter.
 */
export function createParzenEstimator(
  searchSpace: Space<ParameterMap>,
  trials: readonly FlatParams[],
): ParzenEstimator {
  const { dimensions } = searchSpace;
  const scottBandwidth = 0.2 * trials.length ** (-1 / (dimensions.length + 4));
  const minBandwidth = 1 / Math.min(100, 2 + trials.length);
  const components = [...trials, undefined].map(
    (trial) =>
      new Map(
        dimensions.map((dimension) => [
          dimension.path,
          createKernel(dimension, trial?.get(dimension.path), {
            bandwidth: Math.max(scottBandwidth, minBandwidth),
            trialCount: trials.length,
          }),
        ]),
      ),
  );
  return {
    sample: (rng) => {
      const component = components[rng.nextInt(components.length)]!;
      return buildFlatParams(searchSpace, ({ path }) => component.get(path)!.sample(rng));
    },
    logLikelihood: (flat) => {
      const active = dimensions.filter((dimension) => isActive(dimension, flat));
      const likelihood = components.reduce(
        (sum, component) =>
          sum +
          active.reduce((product, { path }) => product * component.get(path)!.likelihood(flat.get(path)!), 1),
        0,
      );
      return Math.log(Math.max(likelihood / components.length, 1e-300));
    },
  };
}

interface KernelOptions {
  /** Standard deviation of a kernel, as a fraction of the probability range [0, 1). */
  readonly bandwidth: number;
  /** Number of trials from which the estimator is created. */
  readonly trialCount: number;
}

const createKernel = (
  { parameter }: Dimension,
  value: Json | undefined,
  { bandwidth, trialCount }: KernelOptions,
): Kernel =>
  parameter.isOrdered
    ? value === undefined
      ? createTruncatedNormalKernel(parameter, 0.5, 1)
      : createTruncatedNormalKernel(parameter, getCenter(parameter, value), bandwidth)
    : createCategoricalKernel(parameter, value, 1 / (trialCount + 1));

const getCenter = (parameter: Parameter<any>, value: Json) => {
  const [from, to] = parameter.valueToProbRange(value)!;
  return (from + to) / 2;
};

/** Creates the kernel of an ordered parameter: a normal distribution over cumulative probabilities, truncated to [0, 1). */
function createTruncatedNormalKernel(
  parameter: Parameter<any>,
  mean: number,
  standardDeviation: number,
): Kernel {
  const insideProbability =
    computeNormalCdf((1 - mean) / standardDeviation) - computeNormalCdf(-mean / standardDeviation);
  return {
    sample: (rng) => {
      for (;;) {
        const probability = mean + standardDeviation * rng.normal();
        if (probability >= 0 && probability < 1) return parameter.probToValue(probability);
      }
    },
    likelihood: (value) => {
      const [from, to] = parameter.valueToProbRange(value)!;
      if (from === to)
        return (
          Math.exp(-0.5 * ((from - mean) / standardDeviation) ** 2) /
          (standardDeviation * Math.sqrt(2 * Math.PI) * insideProbability)
        );
      return (
        (computeNormalCdf((to - mean) / standardDeviation) -
          computeNormalCdf((from - mean) / standardDeviation)) /
        insideProbability
      );
    },
  };
}

/**
 * Creates the kernel of an unordered parameter: the trial's value has weight 1, and `priorWeight` is distributed evenly over
 * all values. If the trial has no value for the parameter, the distribution is uniform.
 */
function createCategoricalKernel(
  parameter: Parameter<any>,
  trialValue: Json | undefined,
  priorWeight: number,
): Kernel {
  const { count } = parameter;
  const weight = trialValue === undefined ? 0 : 1;
  const spreadWeight = trialValue === undefined ? 1 : priorWeight;
  const total = weight + spreadWeight;
  return {
    sample: (rng) =>
      rng.next() * total < weight
        ? trialValue!
        : (parameter.probToValue((rng.nextInt(count) + 0.5) / count) as Json),
    likelihood: (value) => ((value === trialValue ? weight : 0) + spreadWeight / count) / total,
  };
}

/**
 * Computes the standard normal cumulative distribution function with an error below 7.5e-8 (M. Abramowitz, I. Stegun, 1964,
 * 26.2.17).
 */
function computeNormalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
