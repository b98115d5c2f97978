import { createArgumentError, createError, type ErrorKind } from './errors.js';
import { describeType, formatValue } from './formatValue.js';
import { didYouMean, findReplacement, suggestAwait, suggestOption } from './suggestions.js';

/** Wording and category of the error that an argument check throws. */
export interface CheckOptions {
  /** Advice on what to do next, as an imperative sentence. */
  readonly advice: string;
  /** Category of the error. Default `argument`. */
  readonly kind?: ErrorKind | undefined;
  /** Noun phrase for a valid value, for example `a number of seconds`. Each check has a default. */
  readonly noun?: string | undefined;
}

/**
 * Valid range of a number, and the advice to give for a number outside this range. Set either `advice` or `defaultValue`: with
 * `defaultValue`, the advice is to omit the option to get this default.
 */
export type NumberCheckOptions = Omit<CheckOptions, 'advice'> & {
  /** Inclusive lower bound. */
  readonly min?: number | undefined;
  /** Inclusive upper bound. */
  readonly max?: number | undefined;
  /** Exclusive lower bound. */
  readonly above?: number | undefined;
  /** Exclusive upper bound. */
  readonly below?: number | undefined;
  /** Whether positive infinity is a valid number. Default false. */
  readonly allowInfinity?: boolean | undefined;
} & (
    | { readonly advice: string; readonly defaultValue?: undefined }
    | { readonly defaultValue: number; readonly advice?: undefined }
  );

/** Throws unless `value` is a finite number within the bounds. */
export function number(path: string, value: unknown, options: NumberCheckOptions): void {
  const finite = Number.isFinite(value) || (options.allowInfinity && value === Number.POSITIVE_INFINITY);
  if (finite && isWithin(value as number, options)) return;
  const isLargeNumber = finite && (value as number) > MAX_FLOAT;
  const bounds = describeBounds(
    options.max === MAX_FLOAT && !isLargeNumber ? { ...options, max: undefined } : options,
  );
  throw createNumberError(path, value, options, bounds ? `a number ${bounds}` : 'a finite number', bounds);
}

/** A round number below the largest 32-bit floating-point number. Networks compute with 32 bits, in which larger numbers are infinite. */
export const MAX_FLOAT = 3.4e38;

/** Throws unless `value` is an integer within the bounds. */
export function integer(path: string, value: unknown, options: NumberCheckOptions): void {
  if (Number.isInteger(value) && isWithin(value as number, options)) return;
  const bounds = describeBounds(options);
  throw createNumberError(path, value, options, bounds ? `an integer ${bounds}` : 'an integer', bounds);
}

/** Throws unless `value` is a number from 0 to 1, inclusive. */
export function proportion(path: string, value: unknown, options: CheckOptions): void {
  number(path, value, { ...options, min: 0, max: 1 });
}

/** Throws unless `value` is a boolean. */
export function boolean(path: string, value: unknown, options: CheckOptions): void {
  if (typeof value !== 'boolean') throw createCheckError(path, 'true or false', formatValue(value), options);
}

/** Throws unless `value` is a string with at least one character other than whitespace. */
export function string(path: string, value: unknown, options: CheckOptions): void {
  if (typeof value === 'string' && value.trim() !== '') return;
  throw createCheckError(path, options.noun ?? 'a non-empty string', formatValue(value), options);
}

/** Throws unless `value` is a string, which may be empty. */
export function text(path: string, value: unknown, options: CheckOptions): void {
  if (typeof value === 'string') return;
  throw createCheckError(path, options.noun ?? 'a string', describeType(value), options);
}

/** Throws unless `value` is one of `options`. If the value looks like a misspelled option, the advice suggests that option. */
export function oneOf<const T>(
  path: string,
  value: unknown,
  options: readonly T[],
  { advice, kind, noun }: CheckOptions,
): asserts value is T {
  if (options.includes(value as T)) return;
  const names = options.filter((option) => typeof option === 'string');
  const nearest = typeof value === 'string' ? didYouMean(value, names) : undefined;
  const expected = `${noun === undefined ? '' : `${noun}: `}${formatOptions(options)}`;
  throw createCheckError(path, expected, formatValue(value), { advice: nearest ?? advice, kind });
}

/**
 * Throws unless `value` is an array of at least `minLength` elements.
 *
 * @param options - `noun` describes the array and its elements, for example `an array of callbacks`.
 */
export function list(
  path: string,
  value: unknown,
  { minLength = 0, ...options }: CheckOptions & { readonly minLength?: number },
): asserts value is readonly unknown[] {
  if (Array.isArray(value) && value.length >= minLength) {
    const hole = findHole(value);
    if (hole < 0) return;
    throw createCheckError(`${path}[${hole}]`, 'an element', 'an empty element', {
      ...options,
      advice: 'Remove the additional comma.',
    });
  }
  const {
    noun = minLength > 0
      ? `an array with at least ${minLength} ${minLength === 1 ? 'element' : 'elements'}`
      : 'an array',
  } = options;
  throw createCheckError(path, noun, describeList(value), options);
}

/** Throws if an array contains the same value twice. `noun` describes valid elements, for example `different labels`. */
export function distinct(path: string, values: readonly unknown[], options: CheckOptions): void {
  const repeated = values.findIndex((value, i) => values.indexOf(value) < i);
  if (repeated < 0) return;
  const received = `${formatValue(values[repeated])} twice`;
  throw createCheckError(path, options.noun ?? 'different values', received, options);
}

/** Throws unless `value` is an array with one positive integer for each of `axisNames`, for example `[height, width]`. */
export function shape(
  path: string,
  value: unknown,
  axisNames: readonly string[],
  options: CheckOptions,
): void {
  const valid = Array.isArray(value) && value.length === axisNames.length && findHole(value) < 0;
  if (valid && value.every((size) => Number.isInteger(size) && size > 0)) return;
  const noun = options.noun ?? `an array [${axisNames.join(', ')}] of positive integers`;
  throw createCheckError(path, noun, formatValue(value), options);
}

/** Methods that every function of the library needs of a store. Few functions append. */
const STORE_METHODS = ['read', 'write', 'remove', 'list'] as const;

/**
 * Throws unless `value` is a store, which is recognized by its methods.
 *
 * @param options - `appends`: whether the caller also needs the method `append`. Default false.
 */
export function store(
  path: string,
  value: unknown,
  { appends = false, ...options }: CheckOptions & { readonly appends?: boolean },
): void {
  const methods = (value ?? {}) as { readonly [method: string]: unknown };
  const needed = [...STORE_METHODS, ...(appends ? ['append'] : [])];
  const missing = needed.filter((method) => typeof methods[method] !== 'function');
  if (missing.length === 0) return;
  const noun = options.noun ?? 'a store';
  if (missing.includes('read') || missing.includes('write'))
    throw createCheckError(path, noun, describeType(value), options);
  const received = `a store without ${missing.map((method) => `${method}()`).join(' and ')}`;
  throw createCheckError(path, `${noun} with the methods ${needed.join(', ')}`, received, {
    ...options,
    advice: 'Add the missing methods. The type Store describes them.',
  });
}

/** Throws unless `value` is an object whose keys the caller chooses, such as task names. Arrays, maps and typed arrays are rejected. */
export function record(
  path: string,
  value: unknown,
  options: CheckOptions,
): asserts value is { readonly [name: string]: unknown } {
  valid(path, value, isRecord(value), { ...options, noun: options.noun ?? 'an object' });
}

/** Throws unless `isValid` is true. `value` is used only for the error message. If `value` is a promise, the advice is to await it. */
export function valid(
  path: string,
  value: unknown,
  isValid: boolean,
  options: CheckOptions & { readonly noun: string },
): void {
  if (isValid) return;
  const advice = suggestAwait(value, options.advice);
  throw createCheckError(path, options.noun, describeType(value), { ...options, advice });
}

/** Throws unless `value` is a function. */
export function callable(path: string, value: unknown, options: CheckOptions): void {
  valid(path, value, typeof value === 'function', { ...options, noun: options.noun ?? 'a function' });
}

/** Throws unless `value` is an abort signal. */
export function signal(path: string, value: unknown): void {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  valid(path, value, typeof aborted === 'boolean' && typeof addEventListener === 'function', {
    noun: 'an AbortSignal',
    advice: 'Create an AbortController, and pass its property signal.',
  });
}

/**
 * Record whose keys are the names of all options in the type `T`, for checks at run time. The compiler rejects a record in which a name is
 * missing, so an option that is added to the type must also be added to the record.
 */
export type OptionNames<T> = { readonly [Name in T extends unknown ? keyof T : never]: true };

/** Advice for the errors that {@link options} throws. */
export interface OptionsAdvice {
  /** Advice for a value that is not an object. Default: an example call with the first option. */
  readonly advice?: string | undefined;
  /**
   * Advice for options of other libraries or functions that have no equivalent in this function, keyed by option name. Case and underscores
   * are ignored, so `batch_size` matches `batchSize`.
   */
  readonly replacements?: { readonly [name: string]: string } | undefined;
}

/**
 * Throws unless `value` is an object that has only options of type `T`. Every public function that takes options calls this check first.
 * Without this check, a misspelled option would be ignored, and a value of another type would be treated as an object without options.
 *
 * @param path - Name of the function, or path of the options, for example `adam` or `split.by`.
 * @param value - Options that were passed. A class instance may have options and methods, but no other fields.
 * @param names - All names of the options, as a record that the compiler compares with `T`.
 */
export function options<T extends object>(
  path: string,
  value: T,
  names: OptionNames<NoInfer<T>>,
  advice: OptionsAdvice = {},
): void {
  optionNames(path, value, Object.keys(names), advice);
}

/** Throws unless `value` is an object whose keys are all in `allowedNames`. Use {@link options} if the names are the keys of a type. */
export function optionNames(
  path: string,
  value: unknown,
  allowedNames: readonly string[],
  { advice, replacements = {} }: OptionsAdvice = {},
): void {
  const call = `Write ${path}${path.includes('.') ? ': ' : '('}{ ${allowedNames[0]}: ... }${path.includes('.') ? '' : ')'}.`;
  if (!isRecord(value)) {
    throw createArgumentError(
      path,
      'an object with options',
      describeType(value),
      suggestAwait(value, advice ?? call),
    );
  }
  const unknown = listNames(value).find((name) => !allowedNames.includes(name));
  if (unknown === undefined) return;
  throw createArgumentError(
    path,
    `only the options ${allowedNames.join(', ')}`,
    `the option "${unknown}"${describeClass(value)}`,
    findReplacement(unknown, replacements) ?? suggestOption(unknown, allowedNames) ?? 'Remove this option.',
  );
}

/**
 * Throws if `value`, the argument after the last parameter of a function, is an object with options. Every public function without options
 * calls this check, because JavaScript ignores additional arguments. Other values are accepted, so that the function can be passed to `map`.
 */
export function noOptions(path: string, value: unknown): void {
  if (!isRecord(value)) return;
  const [name] = listNames(value);
  throw createArgumentError(
    path,
    'no options',
    name === undefined ? 'an object' : `the option "${name}"`,
    'Remove the last argument.',
  );
}

/**
 * Throws if an object that is used as a table does not list its entries as properties: an object literal with the key `__proto__`, whose
 * value becomes its prototype, or an object of a class. `noun` describes the table, for example `an object of columns`.
 */
export function table(path: string, value: unknown, { noun = 'an object', ...options }: CheckOptions): void {
  const prototype = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : null;
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (isPlain) return;
  throw createCheckError(path, noun, 'an object with another prototype', options);
}

/** Throws if `name` is `__proto__`, which objects cannot contain as the name of a property. */
export function propertyName(path: string, name: string, options: CheckOptions): void {
  if (name !== '__proto__') return;
  throw createCheckError(path, options.noun ?? 'a name that objects can contain', formatValue(name), options);
}

/** Returns the names of the fields of an object and of the objects that it inherits from. Methods of classes are not listed. */
function listNames(value: object): readonly string[] {
  const names: string[] = [];
  for (const name in value) names.push(name);
  return names;
}

/**
 * Returns whether `value` is a plain object or an instance of a user-defined class, as opposed to an array, a map, a date or a typed array.
 */
function isRecord(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || '~block' in value || '~part' in value) return false;
  return ['[object Object]', '[object Module]'].includes(Object.prototype.toString.call(value));
}

/**
 * Describes the class of `value` for an error message, for example ` of an object of class Dataset`. Returns an empty string for a plain
 * object.
 */
function describeClass(value: object): string {
  const { name = 'Object' } = (value.constructor ?? {}) as { readonly name?: string };
  return Object.getPrototypeOf(value) === null || name === 'Object' ? '' : ` of an object of class ${name}`;
}

/** Formats the allowed values of an option for an error message, for example `"a", "b" or "c"`. */
export function formatOptions(options: readonly unknown[]): string {
  const texts = options.map(formatValue);
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} or ${texts[texts.length - 1]}`;
}

/** Returns the index of the first empty element of an array, for example 1 in `[8, , 3]`, or -1. Methods such as `every` skip it. */
const findHole = (values: readonly unknown[]): number => {
  for (let i = 0; i < values.length; i++) if (!(i in values)) return i;
  return -1;
};

const describeList = (value: unknown) =>
  Array.isArray(value) && value.length > 0
    ? `an array of ${value.length} ${value.length === 1 ? 'element' : 'elements'}`
    : describeType(value);

function isWithin(value: number, { min, max, above, below }: NumberCheckOptions): boolean {
  return (
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  );
}

/**
 * Describes bounds as text that follows a noun in an error message, for example `of at least 1`, `from 0 to 1` or
 * `greater than 0 and less than 1`.
 */
function describeBounds({ min, max, above, below }: NumberCheckOptions): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  if (min !== undefined && below === undefined) return `of at least ${min}`;
  if (max !== undefined && above === undefined) return `of at most ${max}`;
  return [
    min !== undefined ? `of at least ${min}` : above !== undefined ? `greater than ${above}` : '',
    max !== undefined ? `at most ${max}` : below !== undefined ? `less than ${below}` : '',
  ]
    .filter(Boolean)
    .join(' and ');
}

function createNumberError(
  path: string,
  value: unknown,
  options: NumberCheckOptions,
  expected: string,
  bounds: string,
) {
  const { noun, defaultValue, advice = `Omit it to use the default, ${defaultValue}.` } = options;
  const named = noun === undefined ? expected : `${noun} ${bounds}`.trim();
  return createCheckError(path, named, formatValue(value), { ...options, advice });
}

const createCheckError = (
  path: string,
  expected: string,
  received: string,
  { kind = 'argument', advice }: Pick<CheckOptions, 'kind' | 'advice'>,
) => createError({ kind, path, expected, received, advice });
