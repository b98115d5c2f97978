import type { Json } from '../core/json.js';
import type { Parameter } from './parameters.js';
import { type Alternatives, type Flat, isAlternatives, type Parts, type Space } from './space.js';

/** The settings of some parts, with `steps` places of a number without a step. */
const sizes = (parts: Parts, steps: number): number =>
  Object.values(parts).reduce((product, part) => product * sizeOf(part, steps), 1);

function sizeOf(part: Parameter<any> | Alternatives<any>, steps: number): number {
  if (!isAlternatives(part)) return Number.isFinite(part.count) ? part.count : steps;
  return kindsOf(part).reduce((sum, [, own]) => sum + sizes(own, steps), 0);
}

const kindsOf = (part: Alternatives<any>) =>
  Object.entries(part['~alternatives'] as { readonly [kind: string]: Parts });

/** The value of a number or a choice with this index. */
const valueAt = (part: Parameter<any>, index: number, steps: number): Json =>
  part.nth ? part.nth(index) : part.at(index / Math.max(1, steps - 1));

/**
 * The setting with this number, of all that there are, the last parameter changing fastest. `steps`: places taken of a number
 * without a step, both ends among them.
 */
export function settingAt(searched: Space<Parts>, index: number, steps: number): Flat | undefined {
  if (index >= sizes(searched['~parts'], steps)) return undefined;
  const flat = new Map<string, Json>();
  const fill = (parts: Parts, at: number, prefix: string) => {
    const list = Object.entries(parts);
    let rest = at;
    const digits = list
      .map(([, part]) => sizeOf(part, steps))
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
        flat.set(path, valueAt(part, digit, steps));
        continue;
      }
      for (const [kind, own] of kindsOf(part)) {
        if (digit < sizes(own, steps)) {
          flat.set(path, kind);
          fill(own, digit, `${path}.${kind}.`);
          break;
        }
        digit -= sizes(own, steps);
      }
    }
  };
  fill(searched['~parts'], index, '');
  return flat;
}

/** The number of a setting, so that {@link settingAt} gives it; undefined for one with a number between the places. */
export function indexOfSetting(searched: Space<Parts>, flat: Flat, steps: number): number | undefined {
  const indexIn = (parts: Parts, prefix: string): number | undefined => {
    let index = 0;
    for (const [name, part] of Object.entries(parts)) {
      const digit = digitOf(part, `${prefix}${name}`);
      if (digit === undefined) return undefined;
      index = index * sizeOf(part, steps) + digit;
    }
    return index;
  };
  const digitOf = (part: Parameter<any> | Alternatives<any>, path: string): number | undefined => {
    const value = flat.get(path);
    if (!isAlternatives(part)) {
      for (let i = 0; i < sizeOf(part, steps); i++) if (valueAt(part, i, steps) === value) return i;
      return undefined;
    }
    let before = 0;
    for (const [kind, own] of kindsOf(part)) {
      if (kind === value) {
        const index = indexIn(own, `${path}.${kind}.`);
        return index === undefined ? undefined : before + index;
      }
      before += sizes(own, steps);
    }
    return undefined;
  };
  return indexIn(searched['~parts'], '');
}
