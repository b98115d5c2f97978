import type { Json } from '../../core/json.js';
import type { Parameter } from './parameters.js';
import {
  type Alternatives,
  type FlatParams,
  isAlternatives,
  type ParameterMap,
  type Space,
} from './space.js';

/** The settings of some parts, with `steps` places of a number without a step. */
const countGridPoints = (parts: ParameterMap, steps: number): number =>
  Object.values(parts).reduce((product, part) => product * countParameterPoints(part, steps), 1);

function countParameterPoints(part: Parameter<any> | Alternatives<any>, steps: number): number {
  if (!isAlternatives(part)) return Number.isFinite(part.count) ? part.count : steps;
  return listAlternatives(part).reduce((sum, [, own]) => sum + countGridPoints(own, steps), 0);
}

const listAlternatives = (part: Alternatives<any>) =>
  Object.entries(part['~alternatives'] as { readonly [kind: string]: ParameterMap });

/** The value of a number or a choice with this index. */
const getGridValue = (part: Parameter<any>, index: number, steps: number): Json =>
  part.valueAt ? part.valueAt(index) : part.probToValue(index / Math.max(1, steps - 1));

/**
 * The setting with this number, of all that there are, the last parameter changing fastest. `steps`: places taken of a number
 * without a step, both ends among them.
 */
export function getGridParams(
  searched: Space<ParameterMap>,
  index: number,
  steps: number,
): FlatParams | undefined {
  if (index >= countGridPoints(searched['~parameters'], steps)) return undefined;
  const flat = new Map<string, Json>();
  const fill = (parts: ParameterMap, at: number, prefix: string) => {
    const list = Object.entries(parts);
    let rest = at;
    const digits = list
      .map(([, part]) => countParameterPoints(part, steps))
      .reverse()
      .map((size) => {
        const digit = rest % size;
        rest = Math.floor(rest / size);
        return digit;
      })
      .reverse();
    for (const [i, [name, part]] of list.entries()) {
      const path = `${prefix}${name}`;
      let digit = digits[i]!;
      if (!isAlternatives(part)) {
        flat.set(path, getGridValue(part, digit, steps));
        continue;
      }
      for (const [kind, own] of listAlternatives(part)) {
        if (digit < countGridPoints(own, steps)) {
          flat.set(path, kind);
          fill(own, digit, `${path}.${kind}.`);
          break;
        }
        digit -= countGridPoints(own, steps);
      }
    }
  };
  fill(searched['~parameters'], index, '');
  return flat;
}

/** The number of a setting, so that {@link getGridParams} gives it; undefined for one with a number between the places. */
export function findGridIndex(
  searched: Space<ParameterMap>,
  flat: FlatParams,
  steps: number,
): number | undefined {
  const indexIn = (parts: ParameterMap, prefix: string): number | undefined => {
    let index = 0;
    for (const [name, part] of Object.entries(parts)) {
      const digit = digitOf(part, `${prefix}${name}`);
      if (digit === undefined) return undefined;
      index = index * countParameterPoints(part, steps) + digit;
    }
    return index;
  };
  const digitOf = (part: Parameter<any> | Alternatives<any>, path: string): number | undefined => {
    const value = flat.get(path);
    if (!isAlternatives(part)) {
      for (let i = 0; i < countParameterPoints(part, steps); i++)
        if (getGridValue(part, i, steps) === value) return i;
      return undefined;
    }
    let before = 0;
    for (const [kind, own] of listAlternatives(part)) {
      if (kind === value) {
        const index = indexIn(own, `${path}.${kind}.`);
        return index === undefined ? undefined : before + index;
      }
      before += countGridPoints(own, steps);
    }
    return undefined;
  };
  return indexIn(searched['~parameters'], '');
}
