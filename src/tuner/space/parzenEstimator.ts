import type { Json } from '../../core/json.js';
import type { Rng } from '../../core/rng.js';
import { buildFlatParams, isActive } from './flatParams.js';
import type { Parameter } from './parameters.js';
import type { Dimension, FlatParams, ParameterMap, Space } from './space.js';

/** How settings are spread, as some trials suggest. */
export interface ParzenEstimator {
  /** A setting by chance. */
  sample(draws: Rng): FlatParams;
  /** The logarithm of its probability, or of its density where numbers have no step. */
  logLikelihood(flat: FlatParams): number;
}

/** How one parameter is spread about one trial. */
interface Kernel {
  sample(draws: Rng): Json;
  likelihood(value: Json): number;
}

/**
 * A Parzen estimate over whole settings: about each trial a product of one kernel a parameter, so that what goes together stays
 * together, and one kernel as wide as the space, which stands for what nobody tried (S. Watanabe, 2023, arXiv 2304.11127,
 * "multivariate"). A parameter of an alternative that a trial did not choose is spread as if nobody had tried it.
 */
export function createParzenEstimator(
  searched: Space<ParameterMap>,
  trials: readonly FlatParams[],
): ParzenEstimator {
  const { dimensions } = searched;
  const width = 0.2 * trials.length ** (-1 / (dimensions.length + 4));
  const narrowest = 1 / Math.min(100, 2 + trials.length);
  const kernels = [...trials, undefined].map(
    (trial) =>
      new Map(
        dimensions.map((dimension) => [
          dimension.path,
          createKernel(dimension, trial?.get(dimension.path), {
            bandwidth: Math.max(width, narrowest),
            trialCount: trials.length,
          }),
        ]),
      ),
  );
  return {
    sample: (draws) => {
      const own = kernels[draws.nextInt(kernels.length)]!;
      return buildFlatParams(searched, ({ path }) => own.get(path)!.sample(draws));
    },
    logLikelihood: (flat) => {
      const active = dimensions.filter((dimension) => isActive(dimension, flat));
      const likelihood = kernels.reduce(
        (sum, own) =>
          sum + active.reduce((product, { path }) => product * own.get(path)!.likelihood(flat.get(path)!), 1),
        0,
      );
      return Math.log(Math.max(likelihood / kernels.length, 1e-300));
    },
  };
}

interface KernelOptions {
  /** Of a bump, as a share of the whole. */
  readonly bandwidth: number;
  /** That the estimate is made from. */
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

/** A normal curve over places, cut off at their ends. */
function createTruncatedNormalKernel(parameter: Parameter<any>, middle: number, width: number): Kernel {
  const inside = computeNormalCdf((1 - middle) / width) - computeNormalCdf(-middle / width);
  return {
    sample: (draws) => {
      for (;;) {
        const place = middle + width * draws.normal();
        if (place >= 0 && place < 1) return parameter.probToValue(place);
      }
    },
    likelihood: (value) => {
      const [from, to] = parameter.valueToProbRange(value)!;
      if (from === to)
        return Math.exp(-0.5 * ((from - middle) / width) ** 2) / (width * Math.sqrt(2 * Math.PI) * inside);
      return (computeNormalCdf((to - middle) / width) - computeNormalCdf((from - middle) / width)) / inside;
    },
  };
}

/** One of some unordered values: that of the trial, and with the weight `others` beside its one any of all. */
function createCategoricalKernel(parameter: Parameter<any>, own: Json | undefined, others: number): Kernel {
  const { count } = parameter;
  const weight = own === undefined ? 0 : 1;
  const spread = own === undefined ? 1 : others;
  const total = weight + spread;
  return {
    sample: (draws) =>
      draws.next() * total < weight
        ? own!
        : (parameter.probToValue((draws.nextInt(count) + 0.5) / count) as Json),
    likelihood: (value) => ((value === own ? weight : 0) + spread / count) / total,
  };
}

/** The part of the standard normal distribution below `x`: M. Abramowitz and I. Stegun (1964), 26.2.17, to 7.5e-8. */
function computeNormalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
