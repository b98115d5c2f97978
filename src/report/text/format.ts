import type { Json } from '../../core/json.js';
import type { MeanEstimate } from '../statistics/estimates.js';

/** Returns how many decimals are necessary to show a number of magnitude `size` with three significant digits. */
const countDecimals = (size: number) =>
  size >= 100
    ? 0
    : size >= 10
      ? 1
      : size >= 1 || size === 0
        ? 2
        : Math.min(6, 2 - Math.floor(Math.log10(size)));

/**
 * Formats a number for readers:
 *
 * - three significant digits for values below 100, and no decimals for larger values: `5.61`, `1,046`;
 * - millions with a suffix, for example `6.71M`, except that integers are written in full;
 * - `NaN`, `∞` and `−∞` for values that are not finite;
 * - `n/a` for undefined.
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

/** Formats a proportion as a percentage with one decimal and a non-breaking space, for example `88.0 %`. */
export const formatPercent = (proportion: number | undefined): string =>
  proportion === undefined
    ? 'n/a'
    : Number.isFinite(proportion)
      ? `${(100 * proportion).toFixed(1)}\u00a0%`
      : 'NaN';

/**
 * Formats a value and its confidence interval with the same number of decimals, for example as `5.61 (5.20 to 6.03)`, or as
 * `88.0 % (85.1 to 90.4)` for a proportion. An estimate without an interval is `5.61 (–)`. A line can break only before the interval.
 */
export function formatEstimate(
  estimate: MeanEstimate | undefined,
  kind: 'number' | 'proportion' = 'number',
): string {
  if (!estimate) return 'n/a';
  const { value, low, high } = estimate;
  const valueText = kind === 'proportion' ? formatPercent(value) : formatNumber(value);
  if (low === undefined || high === undefined) return `${valueText} (–)`;
  if (low === high) return valueText; // All values are equal, so the interval contains no information.
  if (kind === 'proportion')
    return `${valueText} (${[low, high].map((bound) => (100 * bound).toFixed(1)).join('\u00a0to\u00a0')})`;
  const size = Math.max(Math.abs(value), high - low); // A bias near zero needs no more decimals than its interval.
  const [unit, suffix] = size >= 1e6 ? [1e6, 'M'] : [1, ''];
  const digits = countDecimals(size / unit);
  const format = (bound: number) => {
    if (!(size >= 1e-4 && size < 1e9)) return formatNumber(bound);
    const text = (bound / unit).toLocaleString('en-US', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    return (/^-[0.]+$/.test(text) ? text.slice(1) : text.replace('-', '−')) + suffix;
  };
  return `${format(value)} (${format(low)}\u00a0to\u00a0${format(high)})`;
}

/**
 * Returns whether a metric or history column is a proportion from 0 to 1, which is shown as a percentage. This is the case for
 * accuracies.
 */
export const isProportion = (metric: string): boolean => metric.endsWith('accuracy');

/** Returns whether a metric has the unit of the task. For example, `mae` and `rmse` of an age are in years. */
export const hasTaskUnit = (metric: string): boolean => metric === 'mae' || metric === 'rmse';

/** Adds a unit to a label, for example `mae (years)`. Returns the label alone if there is no unit. Long units are truncated. */
export const addUnit = (label: string, unit: string | undefined): string =>
  unit ? `${label} (${truncateMiddle(unit, 16)})` : label;

/** Formats a value of a history column: accuracies as percentages, all others as numbers. */
export const formatMetric = (metric: string, value: number | undefined): string =>
  isProportion(metric) ? formatPercent(value) : formatNumber(value);

/** Formats a count and its noun, for example `1 image` or `200 images`. */
export const formatCount = (count: number, noun: string): string =>
  `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Returns a sentence stating that a table or figure shows only the groups with the most images. */
export const formatLargestGroups = (shownCount: number, totalCount: number): string =>
  `Only the ${shownCount} largest of ${totalCount} groups are shown.`;

/** Formats a duration in seconds, for example as `48 s`, `3 min 20 s` or `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'n/a';
  if (seconds < 10) return `${seconds.toFixed(1)}\u00a0s`;
  const rounded = Math.round(seconds);
  if (rounded < 120) return `${rounded}\u00a0s`;
  if (rounded < 7200) return `${Math.floor(rounded / 60)}\u00a0min\u00a0${rounded % 60}\u00a0s`;
  return `${Math.floor(rounded / 3600)}\u00a0h\u00a0${Math.floor((rounded % 3600) / 60)}\u00a0min`;
}

/**
 * Converts text to one line and truncates it to `length` characters. The middle is omitted, because long names often differ at
 * their start or end.
 */
export function truncateMiddle(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ');
  const characters = Array.from(line);
  if (characters.length <= length) return line;
  const headLength = Math.ceil((length - 1) / 2);
  const tailLength = length - 1 - headLength;
  return `${characters.slice(0, headLength).join('')}…${characters.slice(characters.length - tailLength).join('')}`;
}

/** Formats the value of a run's argument for readers, for example as `0.3`, `none` or `dropout 0.3, filters 64 and 128`. */
export const formatArgument = (value: Json | undefined): string => truncateMiddle(formatJson(value), 200);

/** Maximum depth of nested values that are shown. Deeper values are replaced by an ellipsis. */
const MAX_DEPTH = 20;

function formatJson(value: Json | undefined, depth = 0): string {
  if (depth > MAX_DEPTH) return '…';
  if (value === null || value === undefined) return 'none';
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  if (Array.isArray(value))
    return value.length === 0 ? 'none' : value.map((item) => formatJson(item, depth + 1)).join(' and ');
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).map(([name, entry]) => `${name} ${formatJson(entry, depth + 1)}`);
  return entries.length === 0 ? 'none' : entries.join(', ');
}
