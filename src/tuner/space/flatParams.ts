import * as checks from '../../core/errors/checks.js';
import { createDataError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import { didYouMean } from '../../core/errors/suggestions.js';
import { type Json, toCanonicalJson } from '../../core/json.js';
import type { Parameter } from './parameters.js';
import {
  type Dimension,
  type FlatParams,
  isAlternatives,
  type ParameterMap,
  type ParamsOf,
  type Space,
} from './space.js';

/** Values as the builder is given them. */
export function nestParams<P extends ParameterMap>(
  { '~parameters': parts }: Space<P>,
  flat: FlatParams,
): ParamsOf<Space<P>> {
  const built = (own: ParameterMap, prefix: string): { [name: string]: unknown } =>
    Object.fromEntries(
      Object.entries(own).map(([name, part]) => {
        const path = `${prefix}${name}`;
        const value = flat.get(path);
        if (!isAlternatives(part)) return [name, value];
        return [name, { kind: value, ...built(part['~alternatives'][value as string], `${path}.${value}.`) }];
      }),
    );
  return built(parts, '') as ParamsOf<Space<P>>;
}

/**
 * Values by path, of values from anywhere.
 *
 * @throws `data` fault for values that are not of this space.
 */
export function flattenParams(searched: Space<ParameterMap>, values: unknown, path = 'params'): FlatParams {
  const flat = new Map<string, Json>();
  const createParamError = (
    name: string,
    expected: string,
    value: unknown,
    advice = 'Use params of this search space.',
  ) => {
    const paramPath = [path, name.replace(/\.$/, '')].filter(Boolean).join('.');
    return createDataError(paramPath, expected, formatValue(value), advice);
  };
  const read = (parts: ParameterMap, given: unknown, prefix: string, more: readonly string[]) => {
    if (typeof given !== 'object' || given === null)
      throw createParamError(prefix, 'an object of params', given);
    const own = given as { readonly [name: string]: unknown };
    const names = [...Object.keys(parts), ...more];
    const odd = Object.keys(own).find((name) => !names.includes(name));
    if (odd !== undefined)
      throw createParamError(
        `${prefix}${odd}`,
        `only the params ${names.join(', ')}`,
        odd,
        didYouMean(odd, names),
      );
    for (const [name, part] of Object.entries(parts)) {
      const at = `${prefix}${name}`;
      const value = Object.hasOwn(own, name) ? own[name] : undefined;
      if (isAlternatives(part)) {
        const kind = (value as { kind?: unknown } | null | undefined)?.kind;
        const kinds = Object.keys(part['~alternatives']);
        if (!kinds.includes(kind as string))
          throw createParamError(`${at}.kind`, checks.formatOptions(kinds), kind);
        flat.set(at, kind as string);
        read(part['~alternatives'][kind as string], value, `${at}.${kind}.`, ['kind']);
      } else {
        if (part.valueToProbRange(value) === undefined)
          throw createParamError(at, describeParameter(part), value);
        flat.set(at, value as Json);
      }
    }
  };
  read(searched['~parameters'], values, '', []);
  return flat;
}

function describeParameter({
  '~parameter': { kind, min, max, step, scale, values },
}: Parameter<any>): string {
  if (kind === 'choice') return checks.formatOptions(values as readonly Json[]);
  const steps =
    step === undefined ? '' : scale === 'log' ? ` in steps of the factor ${step}` : ` in steps of ${step}`;
  return `${kind === 'int' ? 'an integer' : 'a number'} from ${min} to ${max}${steps}`;
}

/** The dimensions that have a value, given those before them. */
export const isActive = ({ when }: Dimension, flat: FlatParams): boolean =>
  when === undefined || flat.get(when.path) === when.is;

/** A setting made dimension by dimension, parents first. */
export function buildFlatParams(
  { dimensions }: Space<ParameterMap>,
  choose: (dimension: Dimension, before: FlatParams) => Json,
): FlatParams {
  const flat = new Map<string, Json>();
  for (const dimension of dimensions)
    if (isActive(dimension, flat)) flat.set(dimension.path, choose(dimension, flat));
  return flat;
}

/** Equal for equal settings alone. */
export const toParamsKey = (flat: FlatParams): string => toCanonicalJson(Object.fromEntries(flat));

/** What a space is, as JSON: equal for spaces in which the same is searched. */
export const serializeSpace = ({ dimensions }: Space<ParameterMap>): Json =>
  dimensions.map(({ path, parameter, when }) => ({
    path,
    ...parameter['~parameter'],
    ...(when && { when: { ...when } }),
  }));
