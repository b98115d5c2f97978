import { didYouMean, fault, show } from '../core/errors.js';
import { canonical, type Json } from '../core/json.js';
import type { Mistake } from '../core/types.js';
import { choice, type Parameter } from './parameters.js';

/**
 * What a space is made of.
 *
 * @category Tuner
 */
export interface Parts {
  readonly [name: string]: Parameter<any> | Alternatives<any>;
}

/**
 * Alternatives, each with parameters of its own: what {@link alternatives} makes.
 *
 * @typeParam O - The alternatives by name.
 * @category Tuner
 */
export interface Alternatives<O extends { readonly [kind: string]: Parts }> {
  /** The alternatives. */
  readonly '~alternatives': O;
}

/**
 * A search space: what {@link space} makes.
 *
 * @typeParam P - Its parts.
 * @category Tuner
 */
export interface Space<P extends Parts> {
  /** Its parts. */
  readonly '~parts': P;
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

type Plain<T> = { [K in keyof T]: T[K] } & {};

type PartValue<P> =
  P extends Parameter<infer V>
    ? V
    : P extends Alternatives<infer O>
      ? { [K in keyof O & string]: Plain<{ readonly kind: K } & PartValues<O[K]>> }[keyof O & string]
      : never;

type PartValues<P> = { readonly [K in keyof P]: PartValue<P[K]> };

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
export type ValuesOf<S> = S extends Space<infer P> ? PartValues<P> : never;

/**
 * Values by the path of their dimension; those of alternatives that were not chosen are absent.
 *
 * @category Tuner
 */
export type Flat = ReadonlyMap<string, Json>;

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
export function space<const P extends Parts>(
  parts: P & ([keyof P] extends [never] ? Mistake<'space() needs at least one parameter'> : unknown),
): Space<P> {
  const dimensions = dimensionsOf(parts, '', undefined);
  if (dimensions.length === 0) {
    throw fault({
      kind: 'argument',
      path: 'space',
      expected: 'at least one parameter',
      received: 'none',
      advice: 'Write space({ dropout: float({ min: 0, max: 0.5 }) }).',
    });
  }
  return { '~parts': parts, dimensions, count: countOf(parts) };
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
export function alternatives<const O extends { readonly [kind: string]: Parts }>(
  alternatives: O & {
    readonly [K in keyof O]: {
      readonly kind?: Mistake<"'kind' says which alternative it is: choose another name">;
    };
  } & (IsAlone<keyof O> extends true ? Mistake<'alternatives() needs at least two'> : unknown),
): Alternatives<O> {
  const kinds = Object.entries(alternatives ?? {});
  const advice = 'Write alternatives({ adam: {}, sgd: { momentum: float({ min: 0, max: 0.99 }) } }).';
  if (kinds.length < 2) {
    throw fault({
      kind: 'argument',
      path: 'alternatives',
      expected: 'at least two alternatives',
      received: String(kinds.length),
      advice,
    });
  }
  const taken = kinds.find(([, parts]) => Object.hasOwn(parts, 'kind'));
  if (taken) {
    throw fault({
      kind: 'argument',
      path: `alternatives.${taken[0]}.kind`,
      expected: 'another name',
      received: 'that which says the alternative',
      advice,
    });
  }
  return { '~alternatives': alternatives };
}

/** Whether keys are one, or none; of keys that are any string nobody knows. */
type IsAlone<K, All = K> = [K] extends [never]
  ? true
  : string extends K
    ? false
    : K extends unknown
      ? [All] extends [K]
        ? true
        : false
      : never;

const isAlternatives = (part: Parameter<any> | Alternatives<any>): part is Alternatives<any> =>
  '~alternatives' in part;

function dimensionsOf(parts: Parts, prefix: string, when: Dimension['when']): Dimension[] {
  return Object.entries(parts ?? {}).flatMap(([name, part]): Dimension[] => {
    const path = `${prefix}${name}`;
    if (!/^[\p{L}\p{N}_-]+$/u.test(name)) {
      throw fault({
        kind: 'argument',
        path: `space: ${show(name)}`,
        expected: 'a name of letters, digits, _ and -',
        received: show(name),
        advice: 'It becomes a column of the results.',
      });
    }
    const known: unknown = part;
    if (typeof known !== 'object' || known === null || !('~parameter' in known || '~alternatives' in known)) {
      throw fault({
        kind: 'argument',
        path: `space.${path}`,
        expected: 'float(), int(), choice() or alternatives()',
        received: show(known),
        advice: 'A value that is fixed stands in the function that builds.',
      });
    }
    const condition = when && { when };
    if (!isAlternatives(part)) return [{ path, parameter: part, ...condition }];
    const kinds = Object.keys(part['~alternatives']);
    return [
      { path, parameter: choice(kinds), ...condition },
      ...kinds.flatMap((is) => dimensionsOf(part['~alternatives'][is], `${path}.${is}.`, { path, is })),
    ];
  });
}

function countOf(parts: Parts): number {
  const count = (part: Parameter<any> | Alternatives<any>): number =>
    isAlternatives(part)
      ? Object.values(part['~alternatives'] as { [kind: string]: Parts }).reduce(
          (sum, own) => sum + countOf(own),
          0,
        )
      : part.count;
  return Object.values(parts).reduce((product, part) => product * count(part), 1);
}

/** Values as the builder is given them. */
export function nested<P extends Parts>({ '~parts': parts }: Space<P>, flat: Flat): ValuesOf<Space<P>> {
  const built = (own: Parts, prefix: string): { [name: string]: unknown } =>
    Object.fromEntries(
      Object.entries(own).map(([name, part]) => {
        const path = `${prefix}${name}`;
        const value = flat.get(path);
        if (!isAlternatives(part)) return [name, value];
        return [name, { kind: value, ...built(part['~alternatives'][value as string], `${path}.${value}.`) }];
      }),
    );
  return built(parts, '') as ValuesOf<Space<P>>;
}

/**
 * Values by path, of values from anywhere.
 *
 * @throws `data` fault for values that are not of this space.
 */
export function flattened(searched: Space<Parts>, values: unknown, path = 'values'): Flat {
  const flat = new Map<string, Json>();
  const wrong = (at: string, expected: string, received: unknown, advice?: string) =>
    fault({
      kind: 'data',
      path: `${path}.${at}`,
      expected,
      received: show(received),
      advice: advice ?? 'The values are of another space.',
    });
  const read = (parts: Parts, given: unknown, prefix: string, more: readonly string[]) => {
    if (typeof given !== 'object' || given === null) throw wrong(prefix, 'values by name', given);
    const own = given as { readonly [name: string]: unknown };
    const names = [...Object.keys(parts), ...more];
    const odd = Object.keys(own).find((name) => !names.includes(name));
    if (odd !== undefined)
      throw wrong(`${prefix}${odd}`, `one of ${names.join(', ')}`, odd, didYouMean(odd, names));
    for (const [name, part] of Object.entries(parts)) {
      const at = `${prefix}${name}`;
      const value = Object.hasOwn(own, name) ? own[name] : undefined;
      if (isAlternatives(part)) {
        const kind = (value as { kind?: unknown } | null | undefined)?.kind;
        const kinds = Object.keys(part['~alternatives']);
        if (!kinds.includes(kind as string)) throw wrong(`${at}.kind`, `one of ${kinds.join(', ')}`, kind);
        flat.set(at, kind as string);
        read(part['~alternatives'][kind as string], value, `${at}.${kind}.`, ['kind']);
      } else {
        if (part.cell(value) === undefined) throw wrong(at, said(part), value);
        flat.set(at, value as Json);
      }
    }
  };
  read(searched['~parts'], values, '', []);
  return flat;
}

function said({ '~parameter': { kind, min, max, values } }: Parameter<any>): string {
  if (kind === 'choice') return `one of ${(values as readonly Json[]).map(show).join(', ')}`;
  return `${kind === 'int' ? 'a whole' : 'a'} number from ${min} to ${max}`;
}

/** The dimensions that have a value, given those before them. */
export const isActive = ({ when }: Dimension, flat: Flat): boolean =>
  when === undefined || flat.get(when.path) === when.is;

/** A setting made dimension by dimension, parents first. */
export function setting(
  { dimensions }: Space<Parts>,
  choose: (dimension: Dimension, before: Flat) => Json,
): Flat {
  const flat = new Map<string, Json>();
  for (const dimension of dimensions)
    if (isActive(dimension, flat)) flat.set(dimension.path, choose(dimension, flat));
  return flat;
}

/** Equal for equal settings alone. */
export const keyOf = (flat: Flat): string => canonical(Object.fromEntries(flat));

/** What a space is, as JSON: equal for spaces in which the same is searched. */
export const spaceRecord = ({ dimensions }: Space<Parts>): Json =>
  dimensions.map(({ path, parameter, when }) => ({
    path,
    ...parameter['~parameter'],
    ...(when && { when: { ...when } }),
  }));

/**
 * The setting with this number, of all that there are, the last parameter changing fastest. `steps`: places taken of a number
 * without a step, both ends among them.
 */
export function settingAt(searched: Space<Parts>, index: number, steps: number): Flat | undefined {
  const sizes = (parts: Parts): number =>
    Object.values(parts).reduce((product, part) => product * sizeOf(part), 1);
  const sizeOf = (part: Parameter<any> | Alternatives<any>): number => {
    if (!isAlternatives(part)) return Number.isFinite(part.count) ? part.count : steps;
    return Object.values(part['~alternatives'] as { [kind: string]: Parts }).reduce(
      (sum, own) => sum + sizes(own),
      0,
    );
  };
  if (index >= sizes(searched['~parts'])) return undefined;
  const flat = new Map<string, Json>();
  const fill = (parts: Parts, at: number, prefix: string) => {
    const list = Object.entries(parts);
    let rest = at;
    const digits = list
      .map(([, part]) => part)
      .reverse()
      .map((part) => {
        const digit = rest % sizeOf(part);
        rest = Math.floor(rest / sizeOf(part));
        return digit;
      })
      .reverse();
    for (const [i, [name, part]] of list.entries()) {
      const path = `${prefix}${name}`;
      let digit = digits[i]!;
      if (!isAlternatives(part)) {
        const place = Number.isFinite(part.count)
          ? (digit + 0.5) / part.count
          : digit / Math.max(1, steps - 1);
        flat.set(path, part.at(place));
        continue;
      }
      for (const [kind, own] of Object.entries(part['~alternatives'] as { [kind: string]: Parts })) {
        if (digit < sizes(own)) {
          flat.set(path, kind);
          fill(own, digit, `${path}.${kind}.`);
          break;
        }
        digit -= sizes(own);
      }
    }
  };
  fill(searched['~parts'], index, '');
  return flat;
}
