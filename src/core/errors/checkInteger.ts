import { createError, formatValue } from './errors.js';

/** Throws an `argument` fault unless `value` is a whole number of at least `least`. */
export function checkInteger(path: string, value: number, least: number, advice: string): void {
  if (Number.isInteger(value) && value >= least) return;
  throw createError({
    kind: 'argument',
    path,
    expected: `a whole number of at least ${least}`,
    received: formatValue(value),
    advice,
  });
}
