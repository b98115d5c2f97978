import type { WarpOptions } from './affine.js';
import type { Changes } from './change.js';
import type { Drawn, ValuePart } from './part.js';
import { brightness, contrast, cutout, greyscale, saturation } from './values.js';

/** An augmentation as plain data, beside its plans: enough to apply them in another thread. */
export interface Recipe {
  readonly sampling: WarpOptions;
  /** Name and options of every part that changes values. */
  readonly values: readonly ValueRecipe[];
}

/** A part that changes values, as plain data. */
export type ValueRecipe = readonly [name: string, options: Drawn];

const VALUE_PARTS: { readonly [name: string]: (options: any) => ValuePart } = {
  brightness,
  contrast,
  saturation,
  greyscale,
  cutout,
};

/** What the recipe was made from, made again: it changes images to the bit as the first. */
export function changesOf({ sampling, values }: Recipe): Changes {
  return { sampling, values: values.map(([name, options]) => VALUE_PARTS[name]!(options)) };
}
