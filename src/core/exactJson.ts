/** Numbers that JSON cannot represent, keyed by the strings that replace them. */
const NON_FINITE_NUMBERS: { readonly [text: string]: number } = {
  '~NaN': Number.NaN,
  '~Infinity': Number.POSITIVE_INFINITY,
  '~-Infinity': Number.NEGATIVE_INFINITY,
};

/**
 * Converts a value to JSON without losing NaN and infinities, which are written as strings that begin with `~`. Other strings that begin
 * with `~` get a second `~`. {@link parseExact} restores the value.
 */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    (typeof part === 'number' && !Number.isFinite(part)) || (typeof part === 'string' && part.startsWith('~'))
      ? `~${part}`
      : part,
  );
}

/** Parses JSON that {@link stringifyExact} wrote. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_, part) => {
    if (typeof part !== 'string') return part;
    if (Object.hasOwn(NON_FINITE_NUMBERS, part)) return NON_FINITE_NUMBERS[part];
    return part.startsWith('~~') ? part.slice(1) : part;
  });
}
