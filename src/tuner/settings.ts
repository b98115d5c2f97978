import { didYouMean, fault, show } from '../core/errors.js';
import { canonical, type Json } from '../core/json.js';
import type { Parameter } from './parameters.js';
import { type Dimension, type Flat, isAlternatives, type Parts, type Space, type ValuesOf } from './space.js';

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
      path: [path, at.replace(/\.$/, '')].filter(Boolean).join('.'),
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

function said({ '~parameter': { kind, min, max, step, scale, values } }: Parameter<any>): string {
  if (kind === 'choice') return `one of ${(values as readonly Json[]).map(show).join(', ')}`;
  const steps =
    step === undefined ? '' : scale === 'log' ? `, each ${step} times the last` : ` in steps of ${step}`;
  return `${kind === 'int' ? 'a whole' : 'a'} number from ${min} to ${max}${steps}`;
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
