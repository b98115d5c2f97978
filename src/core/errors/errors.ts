/**
 * What went wrong, as a word a program can branch on.
 *
 * @category Errors
 */
export type ErrorKind =
  | 'argument'
  | 'data'
  | 'file'
  | 'download'
  | 'checkpoint'
  | 'engine'
  | 'memory'
  | 'missing-package'
  | 'broken-package'
  | 'number'
  | 'worker'
  | 'queue'
  | 'aborted';

/**
 * The parts of an error: where, what was wanted, what came, and what to do next.
 *
 * @category Errors
 */
export interface ErrorDetails {
  /** What went wrong, as a word a program can branch on. */
  readonly kind: ErrorKind;
  /** The argument, file or layer at fault, as the user would write it: `lossWeights.agee`, `faces/1.jpg`. */
  readonly path: string;
  /** What would have been right: `a number of at least 0`. */
  readonly expected: string;
  /** What came instead. */
  readonly received: string;
  /** The next thing to do, as a whole sentence. */
  readonly advice?: string | undefined;
  /** The error below this one, if there is one. */
  readonly cause?: unknown;
}

const ERROR_SYMBOL = Symbol.for('tfjs-multitask/error');

/**
 * The one error class of the library. Its message is made from its parts, and the parts stay readable, so that a
 * program can tell faults apart without reading English.
 *
 * Recognise one with {@link isMultitaskError}: two builds of the library (ESM and CommonJS) can meet in one process,
 * and `instanceof` fails between them.
 *
 * @example
 * ```ts
 * import { isMultitaskError, regression } from 'tfjs-multitask';
 *
 * try {
 *   regression({ unit: '' });
 * } catch (error) {
 *   if (isMultitaskError(error)) console.log(error.kind, error.path, error.advice);
 * }
 * ```
 * @category Errors
 */
export class MultitaskError extends Error implements ErrorDetails {
  /** What went wrong, as a word a program can branch on. */
  readonly kind: ErrorKind;
  /** The argument, file or layer at fault, as the user would write it. */
  readonly path: string;
  /** What would have been right. */
  readonly expected: string;
  /** What came instead. */
  readonly received: string;
  /** The next thing to do, as a whole sentence. */
  readonly advice?: string | undefined;
  /** @internal */
  readonly [ERROR_SYMBOL] = true;

  constructor(fault: ErrorDetails) {
    const { kind, path, expected, received, advice, cause } = fault;
    super(
      `${path}: expected ${expected}, received ${received}.${advice ? ` ${advice}` : ''}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'MultitaskError';
    this.kind = kind;
    this.path = path;
    this.expected = expected;
    this.received = received;
    this.advice = advice;
  }
}

/**
 * Whether `error` was raised by this library, by any copy of it.
 *
 * @example
 * ```ts
 * import { isMultitaskError } from 'tfjs-multitask';
 *
 * console.log(isMultitaskError(new Error('something else'))); // false
 * ```
 * @category Errors
 */
export function isMultitaskError(error: unknown): error is MultitaskError {
  return typeof error === 'object' && error !== null && ERROR_SYMBOL in error;
}

/** An error from its parts: `throw fault({ kind, path, expected, received, advice })`. */
export function createError(parts: ErrorDetails): MultitaskError {
  return new MultitaskError(parts);
}

/** A value as a message shows it: text in quotes, NaN and the infinities by name, lists and records as JSON, cut short. */
export function formatValue(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** What a value is, for somebody who gave it in a part's place. */
export function describeType(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isPromise(value)) return 'a promise';
  const { '~part': part, '~block': block } = value as { '~part'?: string; '~block'?: string };
  return part ? `a ${part}` : block ? `the block ${block}` : `a value of type ${typeof value}`;
}

const isPromise = (value: unknown) => typeof (value as PromiseLike<unknown> | null)?.then === 'function';

/** What to do about a value that is another thing than was asked for: await it where it is a promise, else `otherwise`. */
export function suggestFix(value: unknown, otherwise: string): string {
  return isPromise(value) ? 'Write await before it.' : otherwise;
}

/** Throws an `argument` fault for an option that there is not: a misspelt one must not pass for a default. */
export function checkOptionNames(path: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw createError({
    kind: 'argument',
    path,
    expected: `no options but ${known.join(', ')}`,
    received: `"${unknown}"`,
    advice: didYouMean(unknown, known) ?? 'Leave it out.',
  });
}

/** `Did you mean "age"?` when one of `names` is within two edits of `name`, else undefined. */
export function didYouMean(name: string, names: readonly string[]): string | undefined {
  const near = names
    .map((candidate) => ({ candidate, distance: computeEditDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= 2 && distance < candidate.length)
    .sort((a, b) => a.distance - b.distance)[0];
  return near && `Did you mean "${near.candidate}"?`;
}

/** Levenshtein distance, two rows at a time. */
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
