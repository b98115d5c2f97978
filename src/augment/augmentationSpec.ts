import type { WarpOptions } from './affine.js';
import type { ResolvedAugmentation } from './applyPlan.js';
import {
  randomBrightness,
  randomContrast,
  randomCutout,
  randomGrayscale,
  randomSaturation,
} from './pixelTransforms.js';
import type { PixelTransform, PlanValues } from './transform.js';

/** An augmentation as plain data, beside its plans: enough to apply them in another thread. */
export interface AugmentationSpec {
  readonly sampling: WarpOptions;
  /** Name and options of every part that changes values. */
  readonly values: readonly PixelTransformSpec[];
}

/** A part that changes values, as plain data. */
export type PixelTransformSpec = readonly [name: string, options: PlanValues];

const PIXEL_TRANSFORMS: { readonly [name: string]: (options: any) => PixelTransform } = {
  brightness: randomBrightness,
  contrast: randomContrast,
  saturation: randomSaturation,
  greyscale: randomGrayscale,
  cutout: randomCutout,
};

/** What the recipe was made from, made again: it changes images to the bit as the first. */
export function resolveAugmentationSpec({ sampling, values }: AugmentationSpec): ResolvedAugmentation {
  return { sampling, pixelTransforms: values.map(([name, options]) => PIXEL_TRANSFORMS[name]!(options)) };
}
