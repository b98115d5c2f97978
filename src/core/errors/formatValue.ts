/**
 * Formats a value for an error message: strings in quotes, NaN and infinities by name, arrays and records as JSON. Text of more than 80
 * characters is truncated.
 */
export function formatValue(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (toJson(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/**
 * Returns JSON in which a BigInt is written as in source code, for example `5n`. If an object cannot be converted to JSON, for example
 * because it is circular, returns the type of the object.
 */
function toJson(value: unknown): string | undefined {
  if (typeof value === 'bigint') return `${value}n`;
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
  } catch {
    return describeType(value);
  }
}

/** Describes a value of the wrong type as a noun phrase for an error message, for example `an array`, `a trunk` or `the string "a"`. */
export function describeType(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (isPromise(value)) return 'a promise';
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return `the ${typeof value} ${formatValue(value)}`;
  const { '~part': part, '~block': block } = value as { '~part'?: string; '~block'?: string };
  if (part) return `a ${part}`;
  if (block) return `the block ${block}`;
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return tag === 'Object' ? 'an object' : `${/^[AEIOU](?!int)/.test(tag) ? 'an' : 'a'} ${tag}`;
}

/** Returns whether a value is a promise, which is recognized by its `then` method. */
export const isPromise = (value: unknown): boolean =>
  typeof (value as PromiseLike<unknown> | null)?.then === 'function';
