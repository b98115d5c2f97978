import type { Json } from '../core/json.js';
import type { Rng } from '../core/rng.js';
import type { Parameter } from './parameters.js';
import { isActive, setting } from './settings.js';
import type { Dimension, Flat, Parts, Space } from './space.js';

/** How settings are spread, as some trials suggest. */
export interface Estimate {
  /** A setting by chance. */
  draw(draws: Rng): Flat;
  /** The logarithm of its probability, or of its density where numbers have no step. */
  logLikelihood(flat: Flat): number;
}

/** How one parameter is spread about one trial. */
interface Kernel {
  draw(draws: Rng): Json;
  likelihood(value: Json): number;
}

/**
 * A Parzen estimate over whole settings: about each trial a product of one kernel a parameter, so that what goes together stays
 * together, and one kernel as wide as the space, which stands for what nobody tried (S. Watanabe, 2023, arXiv 2304.11127,
 * "multivariate"). A parameter of an alternative that a trial did not choose is spread as if nobody had tried it.
 */
export function estimateOf(searched: Space<Parts>, trials: readonly Flat[]): Estimate {
  const { dimensions } = searched;
  const width = 0.2 * trials.length ** (-1 / (dimensions.length + 4));
  const narrowest = 1 / Math.min(100, 2 + trials.length);
  const kernels = [...trials, undefined].map(
    (trial) =>
      new Map(
        dimensions.map((dimension) => [
          dimension.path,
          kernelOf(dimension, trial?.get(dimension.path), {
            width: Math.max(width, narrowest),
            trials: trials.length,
          }),
        ]),
      ),
  );
  return {
    draw: (draws) => {
      const own = kernels[draws.below(kernels.length)]!;
      return setting(searched, ({ path }) => own.get(path)!.draw(draws));
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

interface Spread {
  /** Of a bump, as a share of the whole. */
  readonly width: number;
  /** That the estimate is made from. */
  readonly trials: number;
}

const kernelOf = ({ parameter }: Dimension, value: Json | undefined, { width, trials }: Spread): Kernel =>
  parameter.ordered
    ? value === undefined
      ? bump(parameter, 0.5, 1)
      : bump(parameter, middleOf(parameter, value), width)
    : shares(parameter, value, 1 / (trials + 1));

const middleOf = (parameter: Parameter<any>, value: Json) => {
  const [from, to] = parameter.cell(value)!;
  return (from + to) / 2;
};

/** A normal curve over places, cut off at their ends. */
function bump(parameter: Parameter<any>, middle: number, width: number): Kernel {
  const inside = normalBelow((1 - middle) / width) - normalBelow(-middle / width);
  return {
    draw: (draws) => {
      for (;;) {
        const place = middle + width * draws.normal();
        if (place >= 0 && place < 1) return parameter.at(place);
      }
    },
    likelihood: (value) => {
      const [from, to] = parameter.cell(value)!;
      if (from === to)
        return Math.exp(-0.5 * ((from - middle) / width) ** 2) / (width * Math.sqrt(2 * Math.PI) * inside);
      return (normalBelow((to - middle) / width) - normalBelow((from - middle) / width)) / inside;
    },
  };
}

/** One of some unordered values: that of the trial, and with the weight `others` beside its one any of all. */
function shares(parameter: Parameter<any>, own: Json | undefined, others: number): Kernel {
  const { count } = parameter;
  const weight = own === undefined ? 0 : 1;
  const spread = own === undefined ? 1 : others;
  const total = weight + spread;
  return {
    draw: (draws) =>
      draws.next() * total < weight ? own! : (parameter.at((draws.below(count) + 0.5) / count) as Json),
    likelihood: (value) => ((value === own ? weight : 0) + spread / count) / total,
  };
}

/** The part of the standard normal distribution below `x`: M. Abramowitz and I. Stegun (1964), 26.2.17, to 7.5e-8. */
function normalBelow(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
