import type { WarpOptions } from './affine.js';
import type { ResolvedAugmentation } from './applyPlan.js';
import {
  randomBrightness,
  randomContrast,
  randomCutout,
  randomGrayscale,
  randomSaturation,
} from './pixelTransforms.js';
import type { PixelTransform } from './transform.js';

/** Augmentation pipeline as plain data, from which a worker can rebuild the functions that apply plans. */
export interface AugmentationSpec {
  readonly sampling: WarpOptions;
  /** Name and options of each pixel transform, in the order in which the transforms are applied. */
  readonly pixelTransforms: readonly PixelTransformSpec[];
}

/** Pixel transform as plain data: its name and options. */
export type PixelTransformSpec = readonly [name: string, options: { readonly [option: string]: number }];

const PIXEL_TRANSFORMS: { readonly [name: string]: (options: any) => PixelTransform } = {
  brightness: randomBrightness,
  contrast: randomContrast,
  saturation: randomSaturation,
  grayscale: randomGrayscale,
  cutout: randomCutout,
};

/**
 * Rebuilds the pixel transforms of an augmentation pipeline from plain data. Their results equal those of the original transforms bit for
 * bit.
 */
export function resolveAugmentationSpec({
  sampling,
  pixelTransforms,
}: AugmentationSpec): ResolvedAugmentation {
  return {
    sampling,
    pixelTransforms: pixelTransforms.map(([name, options]) => PIXEL_TRANSFORMS[name]!(options)),
  };
}
