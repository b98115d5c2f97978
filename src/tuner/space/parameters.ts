import * as checks from '../../core/errors/checks.js';
import { createArgumentError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { TypeErrorMessage } from '../../core/inferenceTypes.js';
import type { Json } from '../../core/json.js';

/**
 * One parameter of a search space. It maps cumulative probabilities in [0, 1) to values, as in KerasTuner.
 *
 * @typeParam V - Type of the values.
 * @category Tuner
 */
export interface Parameter<V> {
  /** Definition of the parameter as JSON. It is saved with a study. */
  readonly '~parameter': { readonly [part: string]: Json };
  /** Number of distinct values, or `Infinity` for a continuous parameter. */
  readonly count: number;
  /** Whether the order of the values is meaningful: true for numbers, false for strings and booleans. */
  readonly isOrdered: boolean;
  /** Returns the value at a cumulative probability in [0, 1). */
  probToValue(probability: number): V;
  /** Returns the value at an index, counted from 0. Absent for a continuous parameter. */
  valueAt?(index: number): V;
  /**
   * Returns the range of probabilities that map to a value. For a continuous parameter, both ends are equal. Returns undefined if
   * `value` is not a value of the parameter.
   */
  valueToProbRange(value: unknown): readonly [from: number, to: number] | undefined;
}

/**
 * Options for {@link float}.
 *
 * @category Tuner
 */
export interface FloatOptions {
  /** Smallest value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
  /**
   * Distance between neighboring values, of which the first is `min`. On a log scale: ratio between neighboring values. Default:
   * every value between the bounds is possible.
   */
  readonly step?: number;
  /**
   * Scale on which values are sampled uniformly. `'log'` samples every order of magnitude equally often, for example for learning
   * rates and L2 factors. Default: `'linear'`.
   */
  readonly scale?: 'linear' | 'log';
}

/**
 * Options for {@link int}: the bounds and the step must be integers.
 *
 * @category Tuner
 */
export interface IntOptions extends FloatOptions {}

/**
 * Creates a parameter with real values. The mapping from a probability `p` to a value matches KerasTuner 1.4.8
 * `HyperParameters.Float` (engine/hyperparameters/hp_types/float_hp.py):
 *
 * - linear scale: `min + p (max - min)`
 * - log scale: `min (max / min)^p`
 * - with a step: the value at index `floor(p n)` in the list of `n` values
 *
 * @throws An `argument` error if the bounds are not finite or not in order, `min` is not above 0 on a log scale, the step is so
 *   large that fewer than two values remain, or too small, or an option is unknown.
 * @example
 * ```ts
 * import { float } from 'tfjs-multitask/tuner';
 *
 * console.log(float({ min: 0, max: 0.5, step: 0.1 }).probToValue(0.7)); // 0.4
 * console.log(float({ min: 1e-4, max: 1e-2, scale: 'log' }).probToValue(0.5).toPrecision(3)); // 0.00100
 * ```
 * @category Tuner
 */
export function float(options: FloatOptions): Parameter<number> {
  checkRange('float', options);
  const { min, max, step, scale = 'linear' } = options;
  const record = { kind: 'float', min, max, scale, ...(step !== undefined && { step }) };
  if (step !== undefined) return createListParameter(record, listStepValues('float', options));
  const computeProbability =
    scale === 'log'
      ? (value: number) => Math.log(value / min) / Math.log(max / min)
      : (value: number) => (value - min) / (max - min);
  return {
    '~parameter': record,
    count: Number.POSITIVE_INFINITY,
    isOrdered: true,
    probToValue: (probability) =>
      clamp(scale === 'log' ? min * (max / min) ** probability : min + probability * (max - min), options),
    valueToProbRange: (value) => {
      if (typeof value !== 'number' || !(value >= min && value <= max)) return undefined;
      return [computeProbability(value), computeProbability(value)];
    },
  };
}

/**
 * Creates a parameter with integer values. The mapping from a probability `p` to a value matches KerasTuner 1.4.8
 * `HyperParameters.Int`:
 *
 * - linear scale: `floor(min + p (max - min + 1))`
 * - log scale: `floor(min ((max + 1) / min)^p)`
 *
 * @throws An `argument` error if a bound or the step is not an integer or is 2^53 or larger, the bounds are not in order, `min` is
 *   not above 0 on a log scale, the step is so large that fewer than two values remain, or an option is unknown.
 * @example
 * ```ts
 * import { int } from 'tfjs-multitask/tuner';
 *
 * console.log([0, 0.5, 0.99].map(int({ min: 1, max: 4 }).probToValue)); // [ 1, 3, 4 ]
 * console.log(int({ min: 16, max: 64, step: 16 }).count); // 4
 * ```
 * @category Tuner
 */
export function int(options: IntOptions): Parameter<number> {
  checkRange('int', options);
  const { min, max, step, scale = 'linear' } = options;
  for (const [name, value] of Object.entries({ min, max, step })) {
    if (value === undefined || Number.isSafeInteger(value)) continue;
    const expected = Number.isInteger(value) ? 'an integer below 2^53' : 'an integer';
    throw createArgumentError(`int.${name}`, expected, formatValue(value), 'Use float() for other numbers.');
  }
  const record = { kind: 'int', min, max, scale, ...(step !== undefined && { step }) };
  if (step !== undefined) return createListParameter(record, listStepValues('int', options));
  const computeProbability =
    scale === 'log'
      ? (value: number) => Math.log(value / min) / Math.log((max + 1) / min)
      : (value: number) => (value - min) / (max - min + 1);
  const computeRawValue = (place: number) =>
    Math.floor(scale === 'log' ? min * ((max + 1) / min) ** place : min + place * (max - min + 1));
  return {
    '~parameter': record,
    count: max - min + 1,
    isOrdered: true,
    valueAt: (index) => min + index,
    probToValue: (place) => clamp(computeRawValue(place), options),
    valueToProbRange: (value) => {
      if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) return undefined;
      return [computeProbability(value as number), computeProbability((value as number) + 1)];
    },
  };
}

/**
 * Creates a parameter that takes one value from a list. Numbers are ordered as in the list; strings and booleans are unordered.
 * A probability `p` maps to the value at index `floor(p n)` in the list of `n` values, as in KerasTuner 1.4.8
 * `HyperParameters.Choice`.
 *
 * @throws An `argument` error if there are fewer than two values, a value is repeated, or a value is not a string, a finite number
 *   or a boolean.
 * @example
 * ```ts
 * import { choice } from 'tfjs-multitask/tuner';
 *
 * const filters = choice([32, 64, 128]);
 * const value: 32 | 64 | 128 = filters.probToValue(0.4);
 * console.log(value); // 64
 * ```
 * @category Tuner
 */
export function choice<const L extends readonly (string | number | boolean)[]>(
  values: L &
    (L['length'] extends 0 | 1
      ? TypeErrorMessage<'choice() needs at least two values'>
      : [DuplicateOf<L>] extends [never]
        ? unknown
        : TypeErrorMessage<`choice() has ${DuplicateOf<L>} twice: remove one of them`>),
): Parameter<L[number]> {
  checks.noOptions('choice', arguments[1]);
  const list: unknown = values;
  if (!Array.isArray(list) || list.length < 2) {
    throw createArgumentError(
      'choice',
      'an array of at least two values',
      formatValue(list),
      'Put constants into the function that builds the model.',
    );
  }
  const invalidValue = values.find(
    (value) => !['string', 'boolean'].includes(typeof value) && !Number.isFinite(value),
  );
  if (invalidValue !== undefined) {
    const advice =
      'Use a string for each value, and map it to the object in the function that builds the model.';
    throw createArgumentError(
      'choice',
      'only strings, finite numbers and booleans',
      formatValue(invalidValue),
      advice,
    );
  }
  checks.distinct('choice', values, { advice: 'Remove one of them.' });
  return createListParameter({ kind: 'choice', values: [...values] }, values);
}

/**
 * Type of the first literal that occurs twice in a list. Elements whose type is `string` or a union are ignored, because their
 * values are unknown at compile time.
 */
type DuplicateOf<L extends readonly unknown[], Seen = never> = L extends readonly [infer V, ...infer Rest]
  ? IsLiteral<V> extends true
    ? [V] extends [Seen]
      ? V & (string | number | boolean)
      : DuplicateOf<Rest, Seen | V>
    : DuplicateOf<Rest, Seen>
  : never;

/**
 * True if a type is a single literal. To exclude `string` and template literal types, the type is used as the key of an object
 * type: `{}` is assignable to an object type with such keys, but not to an object type with a literal key.
 */
type IsLiteral<V, All = V> = boolean extends V
  ? false
  : V extends string | number
    ? [All] extends [V]
      ? Record<never, never> extends { [K in V]: 1 }
        ? false
        : true
      : false
    : true;

/** Creates a parameter with a list of equally likely values. */
function createListParameter<V>(
  record: { readonly [part: string]: Json },
  values: readonly V[],
): Parameter<V> {
  return {
    '~parameter': record,
    count: values.length,
    valueAt: (index) => values[index]!,
    isOrdered: values.every((value) => typeof value === 'number'),
    probToValue: (place) => values[Math.min(values.length - 1, Math.floor(place * values.length))]!,
    valueToProbRange: (value) => {
      const index = values.indexOf(value as V);
      return index < 0 ? undefined : [index / values.length, (index + 1) / values.length];
    },
  };
}

/** Tolerance for counting steps: (0.7 - 0.1) / 0.1 should be 6, but is 5.999999999999999. */
const STEP_TOLERANCE = 1e-9;
/** Number of significant digits to which step values are rounded: three steps of 0.1 add up to 0.30000000000000004. */
const SIGNIFICANT_DIGITS = 14;

function listStepValues(kind: string, options: FloatOptions): number[] {
  const { min, max, step } = options;
  const isLog = options.scale === 'log';
  const lowerLimit = isLog ? 1 : 0;
  if (!(Number.isFinite(step) && step! > lowerLimit)) {
    const advice = isLog
      ? 'Pass the ratio of neighboring values, for example 10 for the values 0.001, 0.01 and 0.1.'
      : 'Omit it to allow any value between min and max.';
    throw createArgumentError(
      `${kind}.step`,
      `a ${isLog ? 'factor' : 'number'} greater than ${lowerLimit}`,
      formatValue(step),
      advice,
    );
  }
  // The bounds have a rounding error of one unit in the last place. For bounds near 1e9, this error is larger than STEP_TOLERANCE
  // times a small step.
  const tolerance =
    STEP_TOLERANCE + (isLog ? 0 : (2 ** -52 * Math.max(Math.abs(min), Math.abs(max))) / step!);
  const stepCount = isLog ? Math.log(max / min) / Math.log(step!) : (max - min) / step!;
  const lastIndex = Math.floor(stepCount + tolerance);
  if (lastIndex >= 1e6)
    throw createArgumentError(
      `${kind}.step`,
      'a step that results in at most a million values',
      formatValue(step),
      'Use a larger step, or omit step.',
    );
  const computeRawValue = (i: number) => (isLog ? min * step! ** i : min + i * step!);
  const computeFloatValue = (i: number) => {
    if (i === 0) return min;
    if (i === lastIndex && Math.abs(stepCount - lastIndex) <= tolerance) return max;
    return clamp(
      roundToScale(computeRawValue(i), isLog ? computeRawValue(i) : Math.max(Math.abs(min), Math.abs(max))),
      options,
    );
  };
  const values =
    kind === 'int'
      ? Array.from({ length: lastIndex + 1 }, (_, i) => Math.round(computeRawValue(i))).filter(
          (value) => value <= max,
        )
      : Array.from({ length: lastIndex + 1 }, (_, i) => computeFloatValue(i));
  if (values.length < 2) {
    throw createArgumentError(
      `${kind}.step`,
      'a step that fits between min and max',
      formatValue(step),
      'Use a smaller step.',
    );
  }
  if (values.some((value, i) => i > 0 && value <= values[i - 1]!)) {
    const expected = `a step larger than the spacing of floating-point numbers near ${max}`;
    throw createArgumentError(
      `${kind}.step`,
      expected,
      formatValue(step),
      'Use a larger step, or search over the offset from min and add min in the function that builds the model.',
    );
  }
  return values;
}

/**
 * Removes the rounding errors from a sum of numbers as large as `scale`: rounds the sum to the digits that are exact in such
 * numbers.
 */
function roundToScale(value: number, scale: number): number {
  const getExponent = (number: number) => Math.floor(Math.log10(Math.abs(number)));
  const digits = SIGNIFICANT_DIGITS + getExponent(value) - getExponent(scale);
  return digits >= 1 ? Number(value.toPrecision(digits)) : 0;
}

const clamp = (value: number, { min, max }: FloatOptions) => Math.min(max, Math.max(min, value));

function checkRange(kind: string, options: FloatOptions): void {
  const advice = `Write ${kind}({ min: 1, max: 10 }).`;
  checks.options(kind, options, { min: true, max: true, step: true, scale: true }, { advice });
  const { min, max, scale = 'linear' } = options;
  for (const [name, value] of [
    ['min', min],
    ['max', max],
  ] as const) {
    checks.number(`${kind}.${name}`, value, { advice });
  }
  if (!(min < max)) {
    throw createArgumentError(
      `${kind}.max`,
      `a number greater than min (${min})`,
      formatValue(max),
      'Put constants into the function that builds the model.',
    );
  }
  if (!Number.isFinite(scale === 'log' && min > 0 ? max / min : max - min)) {
    const expected = `a number with a finite ${scale === 'log' ? 'ratio to' : 'distance from'} min (${min})`;
    throw createArgumentError(
      `${kind}.max`,
      expected,
      formatValue(max),
      'Use bounds that are closer together.',
    );
  }
  checks.oneOf(`${kind}.scale`, scale, ['linear', 'log'], {
    advice: "Omit it to use the default, 'linear'.",
  });
  if (scale === 'log' && min <= 0) {
    throw createArgumentError(
      `${kind}.min`,
      'a number greater than 0 for a log scale',
      formatValue(min),
      'Use a small number, for example 1e-6.',
    );
  }
}
