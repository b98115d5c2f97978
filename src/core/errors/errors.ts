import { escapeLines, escapeText } from './escapeText.js';

/**
 * Category of an error, for programs that branch on it.
 *
 * - `argument`: a function was called with an invalid argument.
 * - `data`: images, labels or records are invalid.
 * - `file`: a file is missing, unreadable or has invalid contents.
 * - `download`: a download failed.
 * - `checkpoint`: a checkpoint belongs to another run, or is damaged.
 * - `engine`: an engine cannot start, or computes incorrect results.
 * - `memory`: a batch or a network is too large.
 * - `missing-package`: an optional package is not installed.
 * - `broken-package`: an optional package is installed, but fails to load.
 * - `number`: a result is NaN or infinite.
 * - `worker`: a worker thread failed.
 * - `queue`: the Redis server of a search is unreachable.
 * - `aborted`: an abort signal stopped the call.
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
 * Category and parts of an error message: `<path>: expected <expected>, received <received>. <advice>`.
 *
 * @category Errors
 */
export interface ErrorDetails {
  /** Category of the error, for programs that branch on it. */
  readonly kind: ErrorKind;
  /** The argument, file or layer that caused the error, as the user would write it, for example `lossWeights.agee` or `faces/1.jpg`. */
  readonly path: string;
  /** Noun phrase for a valid value, for example `a number of at least 0`. */
  readonly expected: string;
  /** Noun phrase for the actual value, for example `-1` or `an empty array`. */
  readonly received: string;
  /** Advice on what to do next, as an imperative sentence. */
  readonly advice?: string | undefined;
  /** The underlying error, if there is one. */
  readonly cause?: unknown;
}

const ERROR_SYMBOL = Symbol.for('tfjs-multitask/error');

/**
 * The only error class of the library. The parts of its message are properties, so a program can handle an error without parsing English.
 * Control characters, for example in the name of a file, are escaped, so that an error can be printed.
 *
 * To recognize an error of this class, use {@link isMultitaskError} instead of `instanceof`, which fails for errors from another copy of
 * the library, for example if a process loads both the ESM and the CommonJS build.
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
  /** Category of the error, for programs that branch on it. */
  readonly kind: ErrorKind;
  /** The argument, file or layer that caused the error, as the user would write it. */
  readonly path: string;
  /** Noun phrase for a valid value, for example `a number of at least 0`. */
  readonly expected: string;
  /** Noun phrase for the actual value, for example `-1` or `an empty array`. */
  readonly received: string;
  /** Advice on what to do next, as an imperative sentence. */
  readonly advice?: string | undefined;
  /** @internal */
  readonly [ERROR_SYMBOL] = true;

  constructor(details: ErrorDetails) {
    const { kind, cause } = details;
    const path = escapeText(details.path);
    const expected = escapeText(details.expected);
    // Only these errors contain the output of another program, which has several lines.
    const hasOutput = kind === 'engine' || kind === 'broken-package';
    const received = hasOutput ? escapeLines(details.received) : escapeText(details.received);
    const advice = details.advice && escapeText(details.advice);
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
 * Returns whether `error` was thrown by this library, including other copies of the library in the same process.
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

/** Creates an error from its category and the parts of its message. */
export function createError(details: ErrorDetails): MultitaskError {
  return new MultitaskError(details);
}

/** Function that creates errors of one kind. `expected` and `received` are noun phrases, and `advice` is an imperative sentence. */
export type ErrorFactory = (
  path: string,
  expected: string,
  received: string,
  advice?: string,
  cause?: unknown,
) => MultitaskError;

const createErrorFactory =
  (kind: ErrorKind): ErrorFactory =>
  (path, expected, received, advice, cause) =>
    createError({ kind, path, expected, received, advice, cause });

/** Creates an error for an invalid argument. */
export const createArgumentError = createErrorFactory('argument');

/** Creates an error for invalid images, labels or records. */
export const createDataError = createErrorFactory('data');

/** Creates an error for a file that is missing, unreadable or has invalid contents. */
export const createFileError = createErrorFactory('file');

/** Creates an error for a checkpoint that is damaged or belongs to another run. */
export const createCheckpointError = createErrorFactory('checkpoint');
