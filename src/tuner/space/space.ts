import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { Simplify, TypeErrorMessage } from '../../core/inferenceTypes.js';
import type { Json } from '../../core/json.js';
import { choice, type Parameter } from './parameters.js';

/**
 * Parameters of a search space, keyed by name.
 *
 * @category Tuner
 */
export interface ParameterMap {
  readonly [name: string]: Parameter<any> | Alternatives<any>;
}

/**
 * A choice between alternatives, each with its own parameters. Created by {@link alternatives}.
 *
 * @typeParam O - Parameters of each alternative, keyed by the name of the alternative.
 * @category Tuner
 */
export interface Alternatives<O extends { readonly [kind: string]: ParameterMap }> {
  /** Parameters of each alternative, keyed by the name of the alternative. */
  readonly '~alternatives': O;
}

/**
 * A search space, created by {@link space}.
 *
 * @typeParam P - Parameters of the space, keyed by name.
 * @category Tuner
 */
export interface Space<P extends ParameterMap> {
  /** Parameters of the space, keyed by name. */
  readonly '~parameters': P;
  /** All parameters as a flat list. A choice between alternatives comes before the parameters of these alternatives. */
  readonly dimensions: readonly Dimension[];
  /** Number of different combinations of values, or `Infinity` if a parameter is continuous. */
  readonly count: number;
}

/**
 * One parameter of a search space.
 *
 * @category Tuner
 */
export interface Dimension {
  /** Path of the parameter: its name, or a path such as `optimizer.sgd.momentum` if it belongs to an alternative. */
  readonly path: string;
  /** Parameter that defines the possible values of this dimension. */
  readonly parameter: Parameter<any>;
  /** Condition under which the parameter has a value. Absent if the parameter always has a value. */
  readonly when?: Condition;
}

/**
 * Condition under which a parameter of an alternative has a value.
 *
 * @category Tuner
 */
export interface Condition {
  /** Path of the dimension that chooses the alternative. */
  readonly path: string;
  /** Name of the alternative that must be chosen for the parameter to exist. */
  readonly is: string;
}

type ParamValue<P> =
  P extends Parameter<infer V>
    ? V
    : P extends Alternatives<infer O>
      ? { [K in keyof O & string]: Simplify<{ readonly kind: K } & ParamValues<O[K]>> }[keyof O & string]
      : never;

type ParamValues<P> = { readonly [K in keyof P]: ParamValue<P[K]> };

/**
 * Type of the params of a search space: an object that contains one value for each parameter, keyed by name.
 *
 * @typeParam S - Type of the space.
 * @example
 * ```ts
 * import { choice, float, space, type ParamsOf } from 'tfjs-multitask/tuner';
 *
 * const searched = space({ dropout: float({ min: 0, max: 0.5 }), filters: choice([32, 64]) });
 * const first: ParamsOf<typeof searched> = { dropout: 0.3, filters: 64 };
 * console.log(first.filters); // 64
 * ```
 * @category Tuner
 */
export type ParamsOf<S> = S extends Space<infer P> ? ParamValues<P> : never;

/**
 * Params as a flat map, keyed by dimension path, for example `optimizer.sgd.momentum`. Parameters of alternatives that were not
 * chosen are absent.
 *
 * @category Tuner
 */
export type FlatParams = ReadonlyMap<string, Json>;

/**
 * Creates a search space from named parameters. A name may contain letters, digits, `_` and `-`.
 *
 * @throws An `argument` error if there are no parameters, or a name or a parameter is invalid.
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
  checks.noOptions('space', arguments[1]);
  const advice = 'Write space({ dropout: float({ min: 0, max: 0.5 }) }).';
  checks.record('space', parts, { noun: 'an object with a parameter for each name', advice });
  const dimensions = createDimensions(parts, '', undefined);
  if (dimensions.length === 0) {
    throw createError({
      kind: 'argument',
      path: 'space',
      expected: 'at least one parameter',
      received: 'no parameters',
      advice,
    });
  }
  return { '~parameters': parts, dimensions, count: countCombinations(parts) };
}

/**
 * Creates a choice between alternatives, each with its own parameters, for example optimizers. The value is an object that contains
 * the name of the chosen alternative as `kind`, and the values of the parameters of that alternative.
 *
 * @throws An `argument` error if there are fewer than two alternatives, or a parameter is named `kind`.
 * @example
 * ```ts
 * import { float, alternatives, space, type ParamsOf } from 'tfjs-multitask/tuner';
 *
 * const searched = space({
 *   optimizer: alternatives({
 *     adam: { rate: float({ min: 1e-5, max: 1e-2, scale: 'log' }) },
 *     sgd: { rate: float({ min: 1e-3, max: 1, scale: 'log' }), momentum: float({ min: 0, max: 0.99 }) },
 *   }),
 * });
 * const describe = ({ optimizer }: ParamsOf<typeof searched>) =>
 *   optimizer.kind === 'sgd' ? `sgd with momentum ${optimizer.momentum}` : 'adam';
 * console.log(describe({ optimizer: { kind: 'sgd', rate: 0.1, momentum: 0.9 } })); // sgd with momentum 0.9
 * ```
 * @category Tuner
 */
export function alternatives<const O extends { readonly [kind: string]: ParameterMap }>(
  alternatives: O & {
    readonly [K in keyof O]: {
      readonly kind?: TypeErrorMessage<"'kind' is the name of the alternative: choose another name">;
    };
  } & (HasFewerThanTwo<keyof O> extends true
      ? TypeErrorMessage<'alternatives() needs at least two alternatives'>
      : unknown),
): Alternatives<O> {
  checks.noOptions('alternatives', arguments[1]);
  const advice = 'Write alternatives({ adam: {}, sgd: { momentum: float({ min: 0, max: 0.99 }) } }).';
  checks.record('alternatives', alternatives, {
    noun: 'an object with parameters for each alternative',
    advice,
  });
  const kinds = Object.entries(alternatives);
  for (const [kind, parts] of kinds)
    checks.record(`alternatives.${kind}`, parts, { noun: 'an object with parameters', advice });
  if (kinds.length < 2) {
    throw createError({
      kind: 'argument',
      path: 'alternatives',
      expected: 'at least two alternatives',
      received: `${kinds.length} ${kinds.length === 1 ? 'alternative' : 'alternatives'}`,
      advice,
    });
  }
  const conflict = kinds.find(([, parts]) => Object.hasOwn(parts, 'kind'));
  if (conflict) {
    throw createError({
      kind: 'argument',
      path: `alternatives.${conflict[0]}.kind`,
      expected: 'a parameter name other than "kind"',
      received: '"kind", which is reserved for the name of the alternative',
      advice: 'Rename the parameter.',
    });
  }
  return { '~alternatives': alternatives };
}

/** True if a union of keys has fewer than two members. False for `string`, whose number of keys is unknown. */
type HasFewerThanTwo<K, All = K> = [K] extends [never]
  ? true
  : string extends K
    ? false
    : K extends unknown
      ? [All] extends [K]
        ? true
        : false
      : never;

/** Tests whether an entry of a space is a choice between alternatives. */
export const isAlternatives = (part: Parameter<any> | Alternatives<any>): part is Alternatives<any> =>
  '~alternatives' in part;

function createDimensions(parts: ParameterMap, prefix: string, when: Dimension['when']): Dimension[] {
  checks.table(`space${prefix && `.${prefix.slice(0, -1)}`}`, parts, {
    noun: 'an object of parameters',
    advice: 'Pass an object literal, and choose another name for a parameter __proto__.',
  });
  return Object.entries(parts ?? {}).flatMap(([name, part]): Dimension[] => {
    const path = `${prefix}${name}`;
    if (!/^[\p{L}\p{N}_-]+$/u.test(name)) {
      throw createError({
        kind: 'argument',
        path: `space: ${formatValue(name)}`,
        expected: 'a name that contains only letters, digits, _ and -',
        received: formatValue(name),
        advice: 'Use only these characters, because the name becomes a column of the results.',
      });
    }
    checks.propertyName(`space: ${formatValue(name)}`, name, { advice: 'Rename the parameter.' });
    const untypedPart: unknown = part;
    if (
      typeof untypedPart !== 'object' ||
      untypedPart === null ||
      !('~parameter' in untypedPart || '~alternatives' in untypedPart)
    ) {
      throw createError({
        kind: 'argument',
        path: `space.${path}`,
        expected: 'a parameter created by float(), int(), choice() or alternatives()',
        received: formatValue(untypedPart),
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
          (sum, parameters) => sum + countCombinations(parameters),
          0,
        )
      : part.count;
  return Object.values(parts).reduce((product, part) => product * count(part), 1);
}
