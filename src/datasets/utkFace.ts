import * as checks from '../core/errors/checks.js';
import type { LabelReader } from '../data/labelReader.js';

const GENDERS = ['male', 'female'] as const;
const RACES = ['white', 'black', 'asian', 'indian', 'other'] as const;
const MAX_AGE = 120;

/**
 * Labels of a UTKFace image.
 *
 * @category Data
 */
export interface UtkFaceLabels {
  /** Age in years, 0 to 120. */
  readonly age: number;
  /** Gender as coded in the file name: 0 is male, 1 is female. */
  readonly gender: (typeof GENDERS)[number];
}

/**
 * Creates a label reader for UTKFace file names, `age_gender_race_date.jpg` (Z. Zhang, Y. Song and H. Qi 2017).
 *
 * @returns A label reader that returns the age in years and the gender. Files with other names have no labels.
 * @example
 * ```ts
 * import { utkFace } from 'tfjs-multitask/datasets';
 *
 * console.log(utkFace()('26_1_0_20170116184024662.jpg.chip.jpg')); // { labels: { age: 26, gender: 'female' } }
 * ```
 * @category Data
 */
export function utkFace(): LabelReader<UtkFaceLabels> {
  checks.noOptions('utkFace', arguments[0]);
  return (path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const parts = /^(\d{1,3})_([01])_([0-4])_\d+/.exec(name);
    if (!parts) {
      return { reason: 'its name is not age_gender_race_date with gender 0 or 1 and race 0 to 4' };
    }
    const age = Number(parts[1]);
    if (age > MAX_AGE) return { reason: `age ${age} is not within 0 to ${MAX_AGE}` };
    return { labels: { age, gender: GENDERS[Number(parts[2])]! } };
  };
}

/**
 * Reads the groups of a UTKFace image from its file name: `sex`, and `race` as the annotators of the dataset recorded it. A report shows
 * the errors for each group. The groups are not labels for a task.
 *
 * @param path - Path of the image file.
 * @returns The value of each group for this image, or an empty object if the name has a different format.
 * @example
 * ```ts
 * import { utkFaceGroups } from 'tfjs-multitask/datasets';
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
