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

/** Serializable form of an augmentation pipeline without its plans: another thread needs no more to apply plans. */
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

/** Rebuilds the functions of an augmentation from its spec. They change images bit for bit as the original ones. */
export function resolveAugmentationSpec({
  sampling,
  pixelTransforms,
}: AugmentationSpec): ResolvedAugmentation {
  return {
    sampling,
    pixelTransforms: pixelTransforms.map(([name, options]) => PIXEL_TRANSFORMS[name]!(options)),
  };
}
