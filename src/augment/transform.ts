import type { ImageShape, Pixels } from '../core/images.js';
import type { Rng } from '../core/rng.js';
import type { AffinePlan } from './affine.js';

/**
 * A random transform that moves pixels. All affine transforms of a dataset are combined into one bilinear warp.
 *
 * @category Augment
 */
export interface AffineTransform {
  /** Discriminant: `affine` moves pixels. */
  readonly kind: 'affine';
  /** Name in checkpoints and errors, such as `rotation`. A dataset can have only one transform with a given name. */
  readonly name: string;
  /** Ranges of the random draws. They are part of a checkpoint's fingerprint. */
  readonly options: { readonly [option: string]: number } | { readonly [option: string]: string };
  /** Draws the parameters that this transform sets for one image. `shape` is in pixels. */
  draw(random: Rng, shape: ImageShape): Partial<AffinePlan>;
}

/**
 * A random transform that mirrors an image along one or both axes, after the affine warp.
 *
 * @category Augment
 */
export interface FlipTransform {
  /** Discriminant: `flip` mirrors the image. */
  readonly kind: 'flip';
  /** Axes along which an image can be mirrored: `horizontal` exchanges left and right, `vertical` top and bottom. */
  readonly axes: readonly ('horizontal' | 'vertical')[];
  /** Probability of a flip. It is part of a checkpoint's fingerprint. */
  readonly options: { readonly [option: string]: number };
  /** Decides whether an image is mirrored along an axis. It is called once for each entry of `axes`, in order. */
  draw(random: Rng): boolean;
}

/**
 * A random transform that changes the values of pixels in place, but does not move pixels.
 *
 * @category Augment
 */
export interface PixelTransform {
  /** Discriminant: `pixel` changes pixel values. */
  readonly kind: 'pixel';
  /** Name in checkpoints and errors, such as `brightness`. A dataset can have only one transform with a given name. */
  readonly name: string;
  /** Ranges of the random draws. They are part of a checkpoint's fingerprint. */
  readonly options: { readonly [option: string]: number };
  /** Draws the parameters for one image. `shape` is in pixels. */
  draw(random: Rng, shape: ImageShape): { readonly [parameter: string]: number };
  /** Changes `pixels` (0..255) in place. Values outside 0..255 are clipped afterwards. */
  apply(pixels: Pixels, parameters: { readonly [parameter: string]: number }): void;
}

/**
 * A random transform of images, for {@link Dataset.augment}.
 *
 * @category Augment
 */
export type ImageTransform = AffineTransform | FlipTransform | PixelTransform;
