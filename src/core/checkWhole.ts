import { fault, show } from './errors.js';

/** Throws an `argument` fault unless `value` is a whole number of at least `least`. */
export function checkWhole(path: string, value: number, least: number, advice: string): void {
  if (Number.isInteger(value) && value >= least) return;
  throw fault({
    kind: 'argument',
    path,
    expected: `a whole number of at least ${least}`,
    received: show(value),
    advice,
  });
}
