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

/** Converts flat params into the nested params object that a trial receives. */
export function nestParams<P extends ParameterMap>(
  { '~parameters': parts }: Space<P>,
  flat: FlatParams,
): ParamsOf<Space<P>> {
  const nest = (parameters: ParameterMap, prefix: string): { [name: string]: unknown } =>
    Object.fromEntries(
      Object.entries(parameters).map(([name, part]) => {
        const path = `${prefix}${name}`;
        const value = flat.get(path);
        if (!isAlternatives(part)) return [name, value];
        return [name, { kind: value, ...nest(part['~alternatives'][value as string], `${path}.${value}.`) }];
      }),
    );
  return nest(parts, '') as ParamsOf<Space<P>>;
}

/**
 * Converts nested params from an untrusted source into flat params, keyed by path.
 *
 * @param path - Path at the start of error messages, for example `trial 3`.
 * @throws A `data` error if the params do not belong to the search space.
 */
export function flattenParams(
  searchSpace: Space<ParameterMap>,
  params: unknown,
  path = 'params',
): FlatParams {
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
  const read = (
    parameters: ParameterMap,
    nested: unknown,
    prefix: string,
    additionalNames: readonly string[],
  ) => {
    if (typeof nested !== 'object' || nested === null)
      throw createParamError(prefix, 'an object of params', nested);
    const values = nested as { readonly [name: string]: unknown };
    const paramNames = [...Object.keys(parameters), ...additionalNames];
    const unknownName = Object.keys(values).find((name) => !paramNames.includes(name));
    if (unknownName !== undefined)
      throw createParamError(
        `${prefix}${unknownName}`,
        `one of the params ${paramNames.join(', ')}`,
        unknownName,
        didYouMean(unknownName, paramNames),
      );
    for (const [name, part] of Object.entries(parameters)) {
      const valuePath = `${prefix}${name}`;
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (isAlternatives(part)) {
        const kind = (value as { kind?: unknown } | null | undefined)?.kind;
        const kinds = Object.keys(part['~alternatives']);
        if (!kinds.includes(kind as string))
          throw createParamError(`${valuePath}.kind`, checks.formatOptions(kinds), kind);
        flat.set(valuePath, kind as string);
        read(part['~alternatives'][kind as string], value, `${valuePath}.${kind}.`, ['kind']);
      } else {
        if (part.valueToProbRange(value) === undefined)
          throw createParamError(valuePath, describeParameter(part), value);
        flat.set(valuePath, value as Json);
      }
    }
  };
  read(searchSpace['~parameters'], params, '', []);
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

/** Tests whether a dimension has a value, which depends on the alternatives that are chosen in `flat`. */
export const isActive = ({ when }: Dimension, flat: FlatParams): boolean =>
  when === undefined || flat.get(when.path) === when.is;

/** Builds flat params by choosing a value for each active dimension. Alternatives are chosen before their parameters. */
export function buildFlatParams(
  { dimensions }: Space<ParameterMap>,
  choose: (dimension: Dimension, before: FlatParams) => Json,
): FlatParams {
  const flat = new Map<string, Json>();
  for (const dimension of dimensions)
    if (isActive(dimension, flat)) flat.set(dimension.path, choose(dimension, flat));
  return flat;
}

/** Returns a string key for params. Two keys are equal if and only if the params are equal. */
export const toParamsKey = (flat: FlatParams): string => toCanonicalJson(Object.fromEntries(flat));

/** Serializes a search space as JSON. Spaces with equal parameters have equal JSON. */
export const serializeSpace = ({ dimensions }: Space<ParameterMap>): Json =>
  dimensions.map(({ path, parameter, when }) => ({
    path,
    ...parameter['~parameter'],
    ...(when && { when: { ...when } }),
  }));
