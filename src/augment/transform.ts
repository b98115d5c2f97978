import type { ImageShape, Pixels } from '../core/images.js';
import type { Rng } from '../core/rng.js';
import type { AffinePlan } from './affine.js';

/**
 * A random transform that moves pixels. All affine transforms of a dataset are combined into one bilinear warp.
 *
 * @category Augment
 */
export interface AffineTransform {
  /** Discriminant of the union {@link ImageTransform}. An affine transform moves pixels. */
  readonly kind: 'affine';
  /** Name in checkpoints and errors, such as `rotation`. A dataset can have only one transform with a given name. */
  readonly name: string;
  /** Options that determine the ranges of the random parameters. A run can only be resumed if these options are unchanged. */
  readonly options: { readonly [option: string]: number } | { readonly [option: string]: string };
  /** Draws the affine parameters that this transform sets for one image. Height and width in `shape` are in pixels. */
  draw(random: Rng, shape: ImageShape): Partial<AffinePlan>;
}

/**
 * A random transform that mirrors an image along one or both axes, after the affine warp.
 *
 * @category Augment
 */
export interface FlipTransform {
  /** Discriminant of the union {@link ImageTransform}. A flip mirrors the image. */
  readonly kind: 'flip';
  /** Axes along which an image can be mirrored: `horizontal` swaps left and right, `vertical` swaps top and bottom. */
  readonly axes: readonly ('horizontal' | 'vertical')[];
  /** Probability of a flip. A run can only be resumed if this probability is unchanged. */
  readonly options: { readonly [option: string]: number };
  /** Draws whether an image is mirrored along an axis. Called once for each entry of `axes`, in order. */
  draw(random: Rng): boolean;
}

/**
 * A random transform that changes the values of pixels in place, but does not move pixels.
 *
 * @category Augment
 */
export interface PixelTransform {
  /** Discriminant of the union {@link ImageTransform}. A pixel transform changes pixel values. */
  readonly kind: 'pixel';
  /** Name in checkpoints and errors, such as `brightness`. A dataset can have only one transform with a given name. */
  readonly name: string;
  /** Options that determine the ranges of the random parameters. A run can only be resumed if these options are unchanged. */
  readonly options: { readonly [option: string]: number };
  /** Draws the parameters of this transform for one image. Height and width in `shape` are in pixels. */
  draw(random: Rng, shape: ImageShape): { readonly [parameter: string]: number };
  /** Changes pixel values (0..255) in place. Results outside 0..255 are clipped afterwards. */
  apply(pixels: Pixels, parameters: { readonly [parameter: string]: number }): void;
}

/**
 * A random transform of images, for {@link Dataset.augment}.
 *
 * @category Augment
 */
export type ImageTransform = AffineTransform | FlipTransform | PixelTransform;
