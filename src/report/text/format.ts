import type { Json } from '../../core/json.js';
import type { MeanEstimate } from '../statistics/estimates.js';

/** Digits behind the point that leave a number of this size three that count. */
const countDecimals = (size: number) =>
  size >= 100
    ? 0
    : size >= 10
      ? 1
      : size >= 1 || size === 0
        ? 2
        : Math.min(6, 2 - Math.floor(Math.log10(size)));

/**
 * A number with three digits that count, whole from 100 on, thousands apart; from a million on, `6.71M`, unless it is whole: a
 * count is said in full. NaN and the infinities by name, `n/a` for none.
 */
export function formatNumber(value: number | undefined): string {
  if (value === undefined) return 'n/a';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-4)) return value.toExponential(1).replaceAll('-', '−');
  if (size >= 1e6 && !Number.isInteger(value)) return `${formatNumber(value / 1e6)}M`;
  const rounded = Number(value.toFixed(countDecimals(size)));
  const text = rounded.toLocaleString('en-US', { maximumFractionDigits: 6 });
  return text.replace('-', '−');
}

/** A share as per cent, one digit behind the point; the space does not break. */
export const formatPercent = (share: number | undefined): string =>
  share === undefined ? 'n/a' : Number.isFinite(share) ? `${(100 * share).toFixed(1)}\u00a0%` : 'NaN';

/** `5.61 (5.20 to 6.03)`: a value and its interval, with as many digits; or per cent; `5.61 (–)` without. A line breaks before the interval alone. */
export function formatEstimate(
  interval: MeanEstimate | undefined,
  kind: 'number' | 'share' = 'number',
): string {
  if (!interval) return 'n/a';
  const { value, low, high } = interval;
  if (low === undefined || high === undefined)
    return `${kind === 'share' ? formatPercent(value) : formatNumber(value)} (–)`; // of too few to have one
  if (low === high) return kind === 'share' ? formatPercent(value) : formatNumber(value); // all alike: it says nothing of others
  if (kind === 'share')
    return `${formatPercent(value)} (${[low, high].map((end) => (100 * end).toFixed(1)).join('\u00a0to\u00a0')})`;
  const size = Math.max(Math.abs(value), high - low); // a bias near zero is no finer than its interval
  const [unit, sign] = size >= 1e6 ? [1e6, 'M'] : [1, ''];
  const digits = countDecimals(size / unit);
  const say = (end: number) => {
    if (!(size >= 1e-4 && size < 1e9)) return formatNumber(end);
    const text = (end / unit).toLocaleString('en-US', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    return (/^-[0.]+$/.test(text) ? text.slice(1) : text.replace('-', '−')) + sign;
  };
  return `${say(value)} (${say(low)}\u00a0to\u00a0${say(high)})`;
}

/** Whether a metric, or a column of the history, is a share of 0 to 1, said as per cent: an accuracy is. */
export const isProportion = (metric: string): boolean => metric.endsWith('accuracy');

/** A column of the history for a reader: accuracies as per cent. */
export const formatMetric = (metric: string, value: number | undefined): string =>
  isProportion(metric) ? formatPercent(value) : formatNumber(value);

/** `1 image`, `200 images`. */
export const formatCount = (count: number, one: string): string =>
  `${formatNumber(count)} ${one}${count === 1 ? '' : 's'}`;

/** Seconds as people say them: `48 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'n/a';
  if (seconds < 10) return `${seconds.toFixed(1)}\u00a0s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole}\u00a0s`;
  if (whole < 7200) return `${Math.floor(whole / 60)}\u00a0min\u00a0${whole % 60}\u00a0s`;
  return `${Math.floor(whole / 3600)}\u00a0h\u00a0${Math.floor((whole % 3600) / 60)}\u00a0min`;
}

/** Text in one line, long text cut in its middle, where names differ least. */
export function truncateMiddle(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ');
  const signs = Array.from(line);
  if (signs.length <= length) return line;
  const head = Math.ceil((length - 1) / 2);
  return `${signs.slice(0, head).join('')}…${signs.slice(signs.length - (length - 1 - head)).join('')}`;
}

/** An argument for a reader: `0.3`, `none`, `dropout 0.3, filters 64 and 128`. */
export const formatArgument = (value: Json | undefined): string => truncateMiddle(formatJson(value), 200);

function formatJson(value: Json | undefined): string {
  if (value === null || value === undefined) return 'none';
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(formatJson).join(' and ');
  if (typeof value !== 'object') return String(value);
  const parts = Object.entries(value).map(([name, part]) => `${name} ${formatJson(part as Json)}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}
