import type { LabelReader } from '../data/labelReader.js';

const GENDERS = ['male', 'female'] as const;
const MAX_AGE = 120;

/**
 * Labels of a UTKFace image.
 *
 * @category Data
 */
export interface UtkFaceLabels {
  /** Years, 0 to 120. */
  readonly age: number;
  /** Coded 0 male, 1 female in the name. */
  readonly gender: (typeof GENDERS)[number];
}

/**
 * Labels from UTKFace's file names, `age_gender_race_date.jpg`: age in years, gender coded 0 male and 1 female
 * (Z. Zhang, Y. Song and H. Qi 2017). A name that says anything else has no labels.
 *
 * @example
 * ```ts
 * import { utkFace } from 'tfjs-multitask';
 *
 * console.log(utkFace()('26_1_0_20170116184024662.jpg.chip.jpg')); // { labels: { age: 26, gender: 'female' } }
 * ```
 * @category Data
 */
export function utkFace(): LabelReader<UtkFaceLabels> {
  return (path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const parts = /^(\d{1,3})_([01])_([0-4])_\d+/.exec(name);
    if (!parts) {
      return { reason: `its name is not age_gender_race_date with gender 0 or 1 and race 0 to 4` };
    }
    const age = Number(parts[1]);
    if (age > MAX_AGE) return { reason: `age ${age} is not within 0 to ${MAX_AGE}` };
    return { labels: { age, gender: GENDERS[Number(parts[2])]! } };
  };
}

const RACES = ['white', 'black', 'asian', 'indian', 'other'] as const;

/**
 * What the image belongs to by its name, in UTKFace's own words: sex, and `race` as its annotators saw it. For a report, which
 * tells errors by group; no task is made of it. An image of another name belongs to nothing.
 *
 * @example
 * ```ts
 * import { utkFaceGroups } from 'tfjs-multitask';
 *
 * console.log(utkFaceGroups('26_1_2_20170116184024662.jpg')); // { sex: 'female', race: 'asian' }
 * ```
 * @category Data
 */
export function utkFaceGroups(path: string): { readonly [group: string]: string } {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const parts = /^\d{1,3}_([01])_([0-4])_\d+/.exec(name);
  return parts ? { sex: GENDERS[Number(parts[1])]!, race: RACES[Number(parts[2])]! } : {};
}
