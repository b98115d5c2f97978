import { isPromise } from './formatValue.js';

/** Returns `Did you mean "age"?` if one of `names` is within two edits of `name`, otherwise undefined. */
export function didYouMean(name: string, names: readonly string[]): string | undefined {
  const nearest = names
    .map((candidate) => ({ candidate, distance: computeEditDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= 2 && distance < candidate.length)
    .sort((a, b) => a.distance - b.distance)[0];
  return nearest && `Did you mean "${nearest.candidate}"?`;
}

/** Returns the advice for an invalid argument: to await `value` if it is a promise, otherwise `advice`. */
export function suggestAwait(value: unknown, advice: string): string {
  return isPromise(value) ? 'Await the promise first.' : advice;
}

/** Returns the Levenshtein distance between two strings. Only two rows of the table are in memory at a time. */
function computeEditDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, substitution);
    }
    row = next;
  }
  return row[b.length]!;
}
