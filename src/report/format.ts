import type { Interval } from './statistics.js';

/** A number for a reader: four digits, no more than three behind the point, thousands apart; `n/a` for one that is none. */
export function figure(value: number | undefined): string {
  if (value === undefined) return 'n/a';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size >= 1e7 || (size > 0 && size < 1e-3)) return value.toExponential(1).replaceAll('-', '−');
  const digits = size >= 1000 ? 0 : Math.min(3, 3 - Math.floor(Math.log10(size || 1)));
  const text = Number(value.toFixed(digits)).toLocaleString('en-US', { maximumFractionDigits: 3 });
  return text.replace('-', '−');
}

/** A share as per cent, one digit behind the point. */
export const percent = (share: number | undefined): string =>
  share === undefined ? 'n/a' : Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : 'NaN';

/** `5.61 [5.2, 6.03]`, or per cent. */
export function withInterval(
  interval: Interval | undefined,
  say: (value: number) => string = figure,
): string {
  if (!interval) return 'n/a';
  const { value, low, high } = interval;
  const ends = [low, high].map((end) => say(end).replace(' %', '')).join(', ');
  return `${say(value)} [${ends}]`;
}

/** A column of the history for a reader: accuracies as per cent. */
export const metricValue = (metric: string, value: number | undefined): string =>
  metric.endsWith('accuracy') ? percent(value) : figure(value);

/** Seconds as people say them: `48 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'n/a';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Long text cut in its middle, where names differ least. */
export function short(text: string, length: number): string {
  const signs = Array.from(text);
  if (signs.length <= length) return text;
  const head = Math.ceil((length - 1) / 2);
  return `${signs.slice(0, head).join('')}…${signs.slice(signs.length - (length - 1 - head)).join('')}`;
}
