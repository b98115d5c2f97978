/** Numbers that JSON cannot say, as text. */
const NON_FINITE_NUMBERS: { readonly [text: string]: number } = {
  '~NaN': Number.NaN,
  '~Infinity': Number.POSITIVE_INFINITY,
  '~-Infinity': Number.NEGATIVE_INFINITY,
};

/** JSON that keeps NaN and the infinities, and text that looks like them: what begins with `~` gets another. Read it with {@link parseExact}. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    (typeof part === 'number' && !Number.isFinite(part)) || (typeof part === 'string' && part.startsWith('~'))
      ? `~${part}`
      : part,
  );
}

/** What {@link stringifyExact} wrote. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_, part) => {
    if (typeof part !== 'string') return part;
    if (Object.hasOwn(NON_FINITE_NUMBERS, part)) return NON_FINITE_NUMBERS[part];
    return part.startsWith('~~') ? part.slice(1) : part;
  });
}
