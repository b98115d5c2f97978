import { isProportion } from './format.js';

/** Suffixes of large numbers on axes, for example in `20M` and `150k`. */
const UNIT_SUFFIXES: readonly (readonly [from: number, size: number, suffix: string])[] = [
  [1e6, 1e6, 'M'],
  [1e4, 1e3, 'k'],
];

/**
 * Formats the value of a tick. All ticks on an axis have the same number of decimals, so that the labels are distinct. The
 * largest tick determines the notation:
 *
 * - at least 10,000: for example `20k`;
 * - at least 1,000,000: for example `20M`;
 * - at least 1,000,000,000, or below 0.0001: a power of ten.
 *
 * The parameters match those of the `tickFormat` function in Plot.
 */
export function formatTick(value: number, _: number, ticks: readonly number[] = [value]): string {
  const largest = Math.max(...ticks.map(Math.abs));
  const step = findSmallestStep(ticks) ?? (largest || 1);
  if (largest >= 1e9 || (largest > 0 && largest < 1e-4)) return formatExponentialTick(value, step);
  const [, size, suffix] = UNIT_SUFFIXES.find(([from]) => largest >= from) ?? [0, 1, ''];
  if (value === 0) return suffix === '' ? formatFixed(0, step) : '0';
  return formatFixed(value / size, step / size) + suffix;
}

/** Formats a tick on an axis of proportions as a percentage, for example `40 %`, or `0.5 %` if the ticks are less than 1 % apart. */
export const formatPercentTick = (value: number, _: number, ticks: readonly number[] = [value]): string =>
  `${formatFixed(100 * value, Math.min(1, 100 * (findSmallestStep(ticks) ?? 1)))} %`;

/** Returns the tick format for a metric: percentages for an accuracy, numbers for all others. */
export const getTickFormat = (metric: string): typeof formatTick =>
  isProportion(metric) ? formatPercentTick : formatTick;

/** Returns the smallest distance between adjacent ticks, or undefined if all ticks are equal. */
function findSmallestStep(ticks: readonly number[]): number | undefined {
  const steps = ticks.slice(1).map((tick, i) => Math.abs(tick - ticks[i]!));
  const nonzeroSteps = steps.filter((step) => step > 0);
  return nonzeroSteps.length > 0 ? Math.min(...nonzeroSteps) : undefined;
}

/** Formats a number with enough decimals to distinguish ticks that are `step` apart. A step of 0.25 needs two decimals. */
function formatFixed(value: number, step: number): string {
  let digits = Math.max(0, -computeExponent(step));
  if (digits < 8 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 0.01) digits++;
  const decimals = Math.min(8, digits);
  const text = value.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return text.replace('-', '−');
}

function formatExponentialTick(value: number, step: number): string {
  if (value === 0) return '0';
  const digits = Math.min(8, Math.max(0, computeExponent(value) - computeExponent(step)));
  const text = value.toExponential(digits).replace(/\.?0+e/, 'e'); // `1e−4`, even if other ticks have more digits, such as `2.5e−5`
  return text.replace('e+', 'e').replaceAll('-', '−');
}

/** Returns the decimal exponent of a number, with a tolerance for rounding errors, as in 0.1 + 0.1 + 0.1. */
const computeExponent = (value: number) => Math.floor(Math.log10(Math.abs(value)) + 1e-9);

/** Length in pixels of the part of an axis that is available for tick labels. A character is about 6.6 pixels wide. */
const AXIS_LENGTH = 340;

/** Returns a tick format that omits labels at regular intervals where long labels would overlap. */
export function skipCrowdedTicks(format: typeof formatTick): typeof formatTick {
  return (value, i, ticks = [value]) => {
    const longest = Math.max(...ticks.map((tick, index) => format(tick, index, ticks).length));
    const interval = Math.ceil((ticks.length * (6.6 * longest + 8)) / AXIS_LENGTH);
    return i % interval === 0 ? format(value, i, ticks) : '';
  };
}
