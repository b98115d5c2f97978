import { isProportion } from './format.js';

/** How large numbers are said in little room: `20M`, `150k`. */
const UNIT_SUFFIXES: readonly (readonly [from: number, size: number, sign: string])[] = [
  [1e6, 1e6, 'M'],
  [1e4, 1e3, 'k'],
];

/**
 * A tick's number, as its neighbours have it: as many digits as their distance asks for; from ten thousand on `20k`, from a
 * million on `20M`, below a ten-thousandth and from a thousand million on a power of ten. Given to Plot as `tickFormat`, which calls it as `map` of the ticks does.
 */
export function formatTick(value: number, _: number, ticks: readonly number[] = [value]): string {
  const most = Math.max(...ticks.map(Math.abs));
  const step = findSmallestStep(ticks) ?? (most || 1);
  if (most >= 1e9 || (most > 0 && most < 1e-4)) return formatExponentialTick(value, step);
  const [, size, sign] = UNIT_SUFFIXES.find(([from]) => most >= from) ?? [0, 1, ''];
  if (value === 0) return sign === '' ? formatFixed(0, step) : '0';
  return formatFixed(value / size, step / size) + sign;
}

/** The same for a share, as per cent: `40 %`, or `0.5 %` where its neighbours are as near. */
export const formatPercentTick = (value: number, _: number, ticks: readonly number[] = [value]): string =>
  `${formatFixed(100 * value, Math.min(1, 100 * (findSmallestStep(ticks) ?? 1)))} %`;

/** Ticks of a metric: an accuracy as per cent. */
export const getTickFormat = (metric: string): typeof formatTick =>
  isProportion(metric) ? formatPercentTick : formatTick;

/** The smallest distance of neighbours. */
function findSmallestStep(ticks: readonly number[]): number | undefined {
  const steps = ticks.slice(1).map((tick, i) => Math.abs(tick - ticks[i]!));
  const some = steps.filter((step) => step > 0);
  return some.length > 0 ? Math.min(...some) : undefined;
}

/** Digits behind the point that tell neighbours apart; a distance of 0.25 needs two. */
function formatFixed(value: number, step: number): string {
  let digits = Math.max(0, -computeExponent(step));
  if (digits < 8 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 0.01) digits++;
  const shown = Math.min(8, digits);
  const text = value.toLocaleString('en-US', { minimumFractionDigits: shown, maximumFractionDigits: shown });
  return text.replace('-', '−');
}

function formatExponentialTick(value: number, step: number): string {
  if (value === 0) return '0';
  const digits = Math.min(8, Math.max(0, computeExponent(value) - computeExponent(step)));
  const text = value.toExponential(digits).replace(/\.?0+e/, 'e'); // 1e−4 among 2.5e−5
  return text.replace('e+', 'e').replaceAll('-', '−');
}

/** The power of ten of a number's first digit; 0.1 added thrice is still of its own. */
const computeExponent = (value: number) => Math.floor(Math.log10(Math.abs(value)) + 1e-9);

/** Pixels for the labels of an axis, at some 6.6 a character. */
const AXIS_LENGTH = 340;

/** The same words, but only at every second tick, or third, where they would run into each other. */
export function skipCrowdedTicks(say: typeof formatTick): typeof formatTick {
  return (value, i, ticks = [value]) => {
    const longest = Math.max(...ticks.map((tick, place) => say(tick, place, ticks).length));
    const each = Math.ceil((ticks.length * (6.6 * longest + 8)) / AXIS_LENGTH);
    return i % each === 0 ? say(value, i, ticks) : '';
  };
}
