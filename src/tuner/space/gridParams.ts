import type { Json } from '../../core/json.js';
import type { Parameter } from './parameters.js';
import {
  type Alternatives,
  type FlatParams,
  isAlternatives,
  type ParameterMap,
  type Space,
} from './space.js';

/** Counts the combinations of parameter values in the grid. A continuous parameter has `steps` grid values. */
const countGridPoints = (parts: ParameterMap, steps: number): number =>
  Object.values(parts).reduce((product, part) => product * countParameterPoints(part, steps), 1);

function countParameterPoints(part: Parameter<any> | Alternatives<any>, steps: number): number {
  if (!isAlternatives(part)) return Number.isFinite(part.count) ? part.count : steps;
  return listAlternatives(part).reduce((sum, [, parameters]) => sum + countGridPoints(parameters, steps), 0);
}

const listAlternatives = (part: Alternatives<any>) =>
  Object.entries(part['~alternatives'] as { readonly [kind: string]: ParameterMap });

/**
 * Returns the grid value of a parameter at `index`. The `steps` grid values of a continuous parameter are evenly spaced on its
 * scale.
 */
const getGridValue = (part: Parameter<any>, index: number, steps: number): Json =>
  part.valueAt ? part.valueAt(index) : part.probToValue(index / Math.max(1, steps - 1));

/**
 * Returns the params of the grid point at `index`, or undefined after the last grid point. The last parameter changes fastest.
 *
 * @param steps - Number of values of a continuous parameter, including both bounds.
 */
export function getGridParams(
  searchSpace: Space<ParameterMap>,
  index: number,
  steps: number,
): FlatParams | undefined {
  if (index >= countGridPoints(searchSpace['~parameters'], steps)) return undefined;
  const flat = new Map<string, Json>();
  const fill = (parts: ParameterMap, blockIndex: number, prefix: string) => {
    const entries = Object.entries(parts);
    let remainder = blockIndex;
    const digits = entries
      .map(([, part]) => countParameterPoints(part, steps))
      .reverse()
      .map((size) => {
        const digit = remainder % size;
        remainder = Math.floor(remainder / size);
        return digit;
      })
      .reverse();
    for (const [i, [name, part]] of entries.entries()) {
      const path = `${prefix}${name}`;
      let digit = digits[i]!;
      if (!isAlternatives(part)) {
        flat.set(path, getGridValue(part, digit, steps));
        continue;
      }
      for (const [kind, parameters] of listAlternatives(part)) {
        if (digit < countGridPoints(parameters, steps)) {
          flat.set(path, kind);
          fill(parameters, digit, `${path}.${kind}.`);
          break;
        }
        digit -= countGridPoints(parameters, steps);
      }
    }
  };
  fill(searchSpace['~parameters'], index, '');
  return flat;
}

/**
 * Returns the index of the grid point with these params. This is the inverse of {@link getGridParams}. Returns undefined if a
 * value is not on the grid.
 */
export function findGridIndex(
  searchSpace: Space<ParameterMap>,
  flat: FlatParams,
  steps: number,
): number | undefined {
  const findIndexIn = (parts: ParameterMap, prefix: string): number | undefined => {
    let index = 0;
    for (const [name, part] of Object.entries(parts)) {
      const digit = findDigit(part, `${prefix}${name}`);
      if (digit === undefined) return undefined;
      index = index * countParameterPoints(part, steps) + digit;
    }
    return index;
  };
  const findDigit = (part: Parameter<any> | Alternatives<any>, path: string): number | undefined => {
    const value = flat.get(path);
    if (!isAlternatives(part)) {
      for (let i = 0; i < countParameterPoints(part, steps); i++)
        if (getGridValue(part, i, steps) === value) return i;
      return undefined;
    }
    let offset = 0;
    for (const [kind, parameters] of listAlternatives(part)) {
      if (kind === value) {
        const index = findIndexIn(parameters, `${path}.${kind}.`);
        return index === undefined ? undefined : offset + index;
      }
      offset += countGridPoints(parameters, steps);
    }
    return undefined;
  };
  return findIndexIn(searchSpace['~parameters'], '');
}
