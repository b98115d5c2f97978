import { createError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { TypeErrorMessage } from '../../core/inferenceTypes.js';
import type { Json } from '../../core/json.js';
import { choice, type Parameter } from './parameters.js';

/**
 * What a space is made of.
 *
 * @category Tuner
 */
export interface ParameterMap {
  readonly [name: string]: Parameter<any> | Alternatives<any>;
}

/**
 * Alternatives, each with parameters of its own: what {@link alternatives} makes.
 *
 * @typeParam O - The alternatives by name.
 * @category Tuner
 */
export interface Alternatives<O extends { readonly [kind: string]: ParameterMap }> {
  /** The alternatives. */
  readonly '~alternatives': O;
}

/**
 * A search space: what {@link space} makes.
 *
 * @typeParam P - Its parts.
 * @category Tuner
 */
export interface Space<P extends ParameterMap> {
  /** Its parts. */
  readonly '~parameters': P;
  /** Its parameters one by one, those of alternatives after what chooses between them. */
  readonly dimensions: readonly Dimension[];
  /** How many different settings there are; `Infinity` where a number has no step. */
  readonly count: number;
}

/**
 * One parameter of a space.
 *
 * @category Tuner
 */
export interface Dimension {
  /** Its name; of an alternative's parameter `optimizer.sgd.momentum`. */
  readonly path: string;
  /** Its values. */
  readonly parameter: Parameter<any>;
  /** The alternative that it belongs to. */
  readonly when?: Condition;
}

/**
 * When a parameter of an alternative has a value.
 *
 * @category Tuner
 */
export interface Condition {
  /** What chooses the alternative. */
  readonly path: string;
  /** The alternative. */
  readonly is: string;
}

type Flatten<T> = { [K in keyof T]: T[K] } & {};

type ParamValue<P> =
  P extends Parameter<infer V>
    ? V
    : P extends Alternatives<infer O>
      ? { [K in keyof O & string]: Flatten<{ readonly kind: K } & ParamValues<O[K]>> }[keyof O & string]
      : never;

type ParamValues<P> = { readonly [K in keyof P]: ParamValue<P[K]> };

/**
 * The values of a space: what the function that builds a model is given.
 *
 * @typeParam S - A space.
 * @example
 * ```ts
 * import { choice, float, space, type ValuesOf } from 'tfjs-multitask/tuner';
 *
 * const searched = space({ dropout: float({ min: 0, max: 0.5 }), filters: choice([32, 64]) });
 * const first: ValuesOf<typeof searched> = { dropout: 0.3, filters: 64 };
 * console.log(first.filters); // 64
 * ```
 * @category Tuner
 */
export type ParamsOf<S> = S extends Space<infer P> ? ParamValues<P> : never;

/**
 * Values by the path of their dimension; those of alternatives that were not chosen are absent.
 *
 * @category Tuner
 */
export type FlatParams = ReadonlyMap<string, Json>;

/**
 * What is searched, by name.
 *
 * @throws `argument` fault for a space without parameters, and for names that are not words.
 * @example
 * ```ts
 * import { choice, float, alternatives, space } from 'tfjs-multitask/tuner';
 *
 * const searched = space({
 *   l2: float({ min: 1e-5, max: 1e-2, scale: 'log' }),
 *   filters: choice([32, 64, 128]),
 *   optimizer: alternatives({ adam: {}, sgd: { momentum: choice([0, 0.9]) } }),
 * });
 * console.log(searched.dimensions.map(({ path }) => path)); // [ 'l2', 'filters', 'optimizer', 'optimizer.sgd.momentum' ]
 * ```
 * @category Tuner
 */
export function space<const P extends ParameterMap>(
  parts: P & ([keyof P] extends [never] ? TypeErrorMessage<'space() needs at least one parameter'> : unknown),
): Space<P> {
  const dimensions = createDimensions(parts, '', undefined);
  if (dimensions.length === 0) {
    throw createError({
      kind: 'argument',
      path: 'space',
      expected: 'at least one parameter',
      received: 'no parameters',
      advice: 'Write space({ dropout: float({ min: 0, max: 0.5 }) }).',
    });
  }
  return { '~parameters': parts, dimensions, count: countCombinations(parts) };
}

/**
 * Alternatives that have parameters of their own. The value says which it is by `kind`, and holds that one's values.
 *
 * @throws `argument` fault for fewer than two alternatives, and for a parameter called `kind`.
 * @example
 * ```ts
 * import { float, alternatives, space, type ValuesOf } from 'tfjs-multitask/tuner';
 *
 * const searched = space({
 *   optimizer: alternatives({
 *     adam: { rate: float({ min: 1e-5, max: 1e-2, scale: 'log' }) },
 *     sgd: { rate: float({ min: 1e-3, max: 1, scale: 'log' }), momentum: float({ min: 0, max: 0.99 }) },
 *   }),
 * });
 * const say = ({ optimizer }: ValuesOf<typeof searched>) =>
 *   optimizer.kind === 'sgd' ? `sgd with momentum ${optimizer.momentum}` : 'adam';
 * console.log(say({ optimizer: { kind: 'sgd', rate: 0.1, momentum: 0.9 } })); // sgd with momentum 0.9
 * ```
 * @category Tuner
 */
export function alternatives<const O extends { readonly [kind: string]: ParameterMap }>(
  alternatives: O & {
    readonly [K in keyof O]: {
      readonly kind?: TypeErrorMessage<"'kind' says which alternative it is: choose another name">;
    };
  } & (HasFewerThanTwo<keyof O> extends true
      ? TypeErrorMessage<'alternatives() needs at least two'>
      : unknown),
): Alternatives<O> {
  const kinds = Object.entries(alternatives ?? {});
  const advice = 'Write alternatives({ adam: {}, sgd: { momentum: float({ min: 0, max: 0.99 }) } }).';
  if (kinds.length < 2) {
    throw createError({
      kind: 'argument',
      path: 'alternatives',
      expected: 'at least two alternatives',
      received: `${kinds.length} ${kinds.length === 1 ? 'alternative' : 'alternatives'}`,
      advice,
    });
  }
  const taken = kinds.find(([, parts]) => Object.hasOwn(parts, 'kind'));
  if (taken) {
    throw createError({
      kind: 'argument',
      path: `alternatives.${taken[0]}.kind`,
      expected: 'a parameter name other than "kind"',
      received: '"kind", which contains the name of the alternative',
      advice: 'Rename the parameter.',
    });
  }
  return { '~alternatives': alternatives };
}

/** Whether keys are one, or none; of keys that are any string nobody knows. */
type HasFewerThanTwo<K, All = K> = [K] extends [never]
  ? true
  : string extends K
    ? false
    : K extends unknown
      ? [All] extends [K]
        ? true
        : false
      : never;

/** Whether a part is several alternatives. */
export const isAlternatives = (part: Parameter<any> | Alternatives<any>): part is Alternatives<any> =>
  '~alternatives' in part;

function createDimensions(parts: ParameterMap, prefix: string, when: Dimension['when']): Dimension[] {
  return Object.entries(parts ?? {}).flatMap(([name, part]): Dimension[] => {
    const path = `${prefix}${name}`;
    if (!/^[\p{L}\p{N}_-]+$/u.test(name)) {
      throw createError({
        kind: 'argument',
        path: `space: ${formatValue(name)}`,
        expected: 'a name of letters, digits, _ and -',
        received: formatValue(name),
        advice: 'Use only these characters, because the name becomes a column of the results.',
      });
    }
    const known: unknown = part;
    if (typeof known !== 'object' || known === null || !('~parameter' in known || '~alternatives' in known)) {
      throw createError({
        kind: 'argument',
        path: `space.${path}`,
        expected: 'float(), int(), choice() or alternatives()',
        received: formatValue(known),
        advice: 'Put constants into the function that builds the model.',
      });
    }
    const condition = when && { when };
    if (!isAlternatives(part)) return [{ path, parameter: part, ...condition }];
    const kinds = Object.keys(part['~alternatives']);
    return [
      { path, parameter: choice(kinds), ...condition },
      ...kinds.flatMap((is) => createDimensions(part['~alternatives'][is], `${path}.${is}.`, { path, is })),
    ];
  });
}

function countCombinations(parts: ParameterMap): number {
  const count = (part: Parameter<any> | Alternatives<any>): number =>
    isAlternatives(part)
      ? Object.values(part['~alternatives'] as { [kind: string]: ParameterMap }).reduce(
          (sum, own) => sum + countCombinations(own),
          0,
        )
      : part.count;
  return Object.values(parts).reduce((product, part) => product * count(part), 1);
}
