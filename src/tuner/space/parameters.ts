import * as checks from '../../core/errors/checks.js';
import { createArgumentError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { TypeErrorMessage } from '../../core/inferenceTypes.js';
import type { Json } from '../../core/json.js';

/**
 * One thing that is searched: how places in [0, 1) and values belong together.
 *
 * @typeParam V - Its values.
 * @category Tuner
 */
export interface Parameter<V> {
  /** What it is, as JSON: its part of a study's record. */
  readonly '~parameter': { readonly [part: string]: Json };
  /** How many different values there are; `Infinity` where there is no step. */
  readonly count: number;
  /** Whether near places are near values: numbers are in order, words are not. */
  readonly isOrdered: boolean;
  /** The value at a place. */
  probToValue(place: number): V;
  /** The value with this index of `count`, from 0, in their order; absent where there is no step. */
  valueAt?(index: number): V;
  /** The places whose value this is, from and to: one place where there is no step. Undefined for what is not a value. */
  valueToProbRange(value: unknown): readonly [from: number, to: number] | undefined;
}

/**
 * Options of {@link float}.
 *
 * @category Tuner
 */
export interface FloatOptions {
  /** The smallest value. */
  readonly min: number;
  /** The largest value. */
  readonly max: number;
  /** Distance of neighbours, counted from `min`; on a log scale their ratio. Default: any value between. */
  readonly step?: number;
  /** `'log'` where equal factors are equal steps: rates, L2. Default `'linear'`. */
  readonly scale?: 'linear' | 'log';
}

/**
 * Options of {@link int}.
 *
 * @category Tuner
 */
export interface IntOptions extends FloatOptions {}

/**
 * A real number. Same as KerasTuner 1.4.8 `HyperParameters.Float` (engine/hyperparameters/hp_types/float_hp.py): a place is
 * `min + p (max - min)`, on a log scale `min (max / min)^p`; with a step, the value with the index `floor(p n)` of n.
 *
 * @throws `argument` fault for bounds that are not finite, not in order or further apart than numbers go, a log scale that begins
 *   at or below 0, a step that leaves one value or is too small for numbers, and an unknown option.
 * @example
 * ```ts
 * import { float } from 'tfjs-multitask/tuner';
 *
 * console.log(float({ min: 0, max: 0.5, step: 0.1 }).at(0.7)); // 0.4
 * console.log(float({ min: 1e-4, max: 1e-2, scale: 'log' }).at(0.5).toPrecision(3)); // 0.00100
 * ```
 * @category Tuner
 */
export function float(options: FloatOptions): Parameter<number> {
  checkRange('float', options);
  const { min, max, step, scale = 'linear' } = options;
  const record = { kind: 'float', min, max, scale, ...(step !== undefined && { step }) };
  if (step !== undefined) return createListParameter(record, listStepValues('float', options));
  const share =
    scale === 'log'
      ? (value: number) => Math.log(value / min) / Math.log(max / min)
      : (value: number) => (value - min) / (max - min);
  return {
    '~parameter': record,
    count: Number.POSITIVE_INFINITY,
    isOrdered: true,
    probToValue: (place) =>
      clamp(scale === 'log' ? min * (max / min) ** place : min + place * (max - min), options),
    valueToProbRange: (value) => {
      if (typeof value !== 'number' || !(value >= min && value <= max)) return undefined;
      return [share(value), share(value)];
    },
  };
}

/**
 * A whole number. Same as KerasTuner 1.4.8 `HyperParameters.Int`: a place is `floor(min + p (max - min + 1))`, on a log scale
 * `floor(min ((max + 1) / min)^p)`.
 *
 * @throws `argument` fault as {@link float}, and for bounds or a step that are not whole, or beyond 2^53, where numbers skip some.
 * @example
 * ```ts
 * import { int } from 'tfjs-multitask/tuner';
 *
 * console.log([0, 0.5, 0.99].map(int({ min: 1, max: 4 }).at)); // [ 1, 3, 4 ]
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
  const share =
    scale === 'log'
      ? (value: number) => Math.log(value / min) / Math.log((max + 1) / min)
      : (value: number) => (value - min) / (max - min + 1);
  const raw = (place: number) =>
    Math.floor(scale === 'log' ? min * ((max + 1) / min) ** place : min + place * (max - min + 1));
  return {
    '~parameter': record,
    count: max - min + 1,
    isOrdered: true,
    valueAt: (index) => min + index,
    probToValue: (place) => clamp(raw(place), options),
    valueToProbRange: (value) => {
      if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) return undefined;
      return [share(value as number), share((value as number) + 1)];
    },
  };
}

/**
 * One of several values, which keep their types: numbers are taken as they are ordered in the list, words and booleans as
 * unordered. Same as KerasTuner 1.4.8 `HyperParameters.Choice`: a place is the value with the index `floor(p n)`.
 *
 * @throws `argument` fault for fewer than two values, and for one that is there twice.
 * @example
 * ```ts
 * import { choice } from 'tfjs-multitask/tuner';
 *
 * const filters = choice([32, 64, 128]);
 * const value: 32 | 64 | 128 = filters.at(0.4);
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
        : TypeErrorMessage<`choice() has ${DuplicateOf<L>} twice: leave one out`>),
): Parameter<L[number]> {
  const list: unknown = values;
  if (!Array.isArray(list) || list.length < 2) {
    throw createArgumentError(
      'choice',
      'an array of at least two values',
      formatValue(list),
      'Put constants into the function that builds the model.',
    );
  }
  const odd = values.find(
    (value) => !['string', 'boolean'].includes(typeof value) && !Number.isFinite(value),
  );
  if (odd !== undefined) {
    const advice =
      'Use a string for each value, and map it to the object in the function that builds the model.';
    throw createArgumentError('choice', 'strings, finite numbers or booleans', formatValue(odd), advice);
  }
  checks.distinct('choice', values, { advice: 'Remove one of them.' });
  return createListParameter({ kind: 'choice', values: [...values] }, values);
}

/** The first value that stands in a list a second time, as far as the types know: of `string`, or of a union, they do not. */
type DuplicateOf<L extends readonly unknown[], Seen = never> = L extends readonly [infer V, ...infer Rest]
  ? IsLiteral<V> extends true
    ? [V] extends [Seen]
      ? V & (string | number | boolean)
      : DuplicateOf<Rest, Seen | V>
    : DuplicateOf<Rest, Seen>
  : never;

/** Whether a type is one value. An object whose keys are `string` or a template may be empty; one whose key is a word may not. */
type IsLiteral<V, All = V> = boolean extends V
  ? false
  : V extends string | number
    ? [All] extends [V]
      ? Record<never, never> extends { [K in V]: 1 }
        ? false
        : true
      : false
    : true;

/** A parameter with these values, each as likely. */
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

/** Steps that are missed by so little fit: (0.5 - 0) / 0.1 is 5, but (0.7 - 0.1) / 0.1 is 5.999999999999999. */
const STEP_TOLERANCE = 1e-9;
/** Digits of a step's values: 0.3, where three steps of a tenth make 0.30000000000000004. */
const SIGNIFICANT_DIGITS = 14;

function listStepValues(kind: string, options: FloatOptions): number[] {
  const { min, max, step } = options;
  const log = options.scale === 'log';
  const least = log ? 1 : 0;
  if (!(Number.isFinite(step) && step! > least)) {
    const advice = log
      ? 'Give the factor from one value to the next on the log scale, for example 10 for 0.001, 0.01, 0.1.'
      : 'Omit it to allow any value between min and max.';
    throw createArgumentError(
      `${kind}.step`,
      `a ${log ? 'factor' : 'number'} greater than ${least}`,
      formatValue(step),
      advice,
    );
  }
  // Bounds are as far from what was meant as neighbouring numbers are: near 1e9, more than a billionth of a small step.
  const nearly = STEP_TOLERANCE + (log ? 0 : (2 ** -52 * Math.max(Math.abs(min), Math.abs(max))) / step!);
  const steps = log ? Math.log(max / min) / Math.log(step!) : (max - min) / step!;
  const last = Math.floor(steps + nearly);
  if (last >= 1e6)
    throw createArgumentError(
      `${kind}.step`,
      'a step that gives at most a million values',
      formatValue(step),
      'Use a larger step, or omit it.',
    );
  const raw = (i: number) => (log ? min * step! ** i : min + i * step!);
  const at = (i: number) => {
    if (i === 0) return min;
    if (i === last && Math.abs(steps - last) <= nearly) return max;
    return clamp(roundToScale(raw(i), log ? raw(i) : Math.max(Math.abs(min), Math.abs(max))), options);
  };
  const values =
    kind === 'int'
      ? Array.from({ length: last + 1 }, (_, i) => Math.round(raw(i))).filter((value) => value <= max)
      : Array.from({ length: last + 1 }, (_, i) => at(i));
  if (values.length < 2) {
    throw createArgumentError(
      `${kind}.step`,
      'a step that fits between min and max',
      formatValue(step),
      'Use a smaller step.',
    );
  }
  if (values.some((value, i) => i > 0 && value <= values[i - 1]!)) {
    const expected = `a step larger than the spacing of numbers near ${max}`;
    throw createArgumentError(
      `${kind}.step`,
      expected,
      formatValue(step),
      'Use a larger step, or search the distance from min.',
    );
  }
  return values;
}

/** A number without the digits that sums of numbers as large as `scale` get wrong. */
function roundToScale(value: number, scale: number): number {
  const place = (of: number) => Math.floor(Math.log10(Math.abs(of)));
  const digits = SIGNIFICANT_DIGITS + place(value) - place(scale);
  return digits >= 1 ? Number(value.toPrecision(digits)) : 0;
}

const clamp = (value: number, { min, max }: FloatOptions) => Math.min(max, Math.max(min, value));

function checkRange(kind: string, options: FloatOptions): void {
  checks.optionNames(kind, options ?? {}, ['min', 'max', 'step', 'scale']);
  const { min, max, scale = 'linear' } = options ?? {};
  for (const [name, value] of [
    ['min', min],
    ['max', max],
  ] as const) {
    checks.number(`${kind}.${name}`, value, { advice: `Write ${kind}({ min: 1, max: 10 }).` });
  }
  if (!(min < max)) {
    throw createArgumentError(
      `${kind}.max`,
      `a number greater than min, ${min}`,
      formatValue(max),
      'Put constants into the function that builds the model.',
    );
  }
  if (!Number.isFinite(scale === 'log' && min > 0 ? max / min : max - min)) {
    const expected = scale === 'log' ? 'a finite ratio of max to min' : 'a finite distance of max from min';
    throw createArgumentError(`${kind}.max`, `${expected}, ${min}`, formatValue(max), 'Use closer bounds.');
  }
  checks.oneOf(`${kind}.scale`, scale, ['linear', 'log'], {
    advice: "Omit it to use the default, 'linear'.",
  });
  if (scale === 'log' && min <= 0) {
    throw createArgumentError(
      `${kind}.min`,
      'a number greater than 0 on a log scale',
      formatValue(min),
      'Use a small number, for example 1e-6.',
    );
  }
}
