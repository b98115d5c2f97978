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

/** Serializable form of an augmentation pipeline, without plans. It contains everything that another thread needs to apply plans. */
export interface AugmentationSpec {
  readonly sampling: WarpOptions;
  /** Name and options of each pixel transform, in order. */
  readonly pixelTransforms: readonly PixelTransformSpec[];
}

/** Serializable form of a pixel transform. */
export type PixelTransformSpec = readonly [name: string, options: { readonly [option: string]: number }];

const PIXEL_TRANSFORMS: { readonly [name: string]: (options: any) => PixelTransform } = {
  brightness: randomBrightness,
  contrast: randomContrast,
  saturation: randomSaturation,
  grayscale: randomGrayscale,
  cutout: randomCutout,
};

/** Rebuilds the functions of an augmentation pipeline from its spec. They give the same results as the original functions, bit for bit. */
export function resolveAugmentationSpec({
  sampling,
  pixelTransforms,
}: AugmentationSpec): ResolvedAugmentation {
  return {
    sampling,
    pixelTransforms: pixelTransforms.map(([name, options]) => PIXEL_TRANSFORMS[name]!(options)),
  };
}
