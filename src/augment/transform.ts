import type { ImageShape, Pixels } from '../core/images.js';
import type { Rng } from '../core/rng.js';
import type { AffinePlan } from './affine.js';

/**
 * Numbers that one part of an augmentation drew.
 *
 * @category Augment
 */
export type PlanValues = { readonly [name: string]: number };

/**
 * A part that moves pixels through the one affine warp.
 *
 * @category Augment
 */
export interface AffineTransform {
  /** Moves pixels. */
  readonly kind: 'affine';
  /** Names it in plans and errors: each part may be given once. */
  readonly name: string;
  /** Its ranges, for checkpoints. */
  readonly options: PlanValues | { readonly [name: string]: string };
  /** What it adds to the plan. */
  draw(random: Rng, shape: ImageShape): Partial<AffinePlan>;
}

/**
 * A part that mirrors.
 *
 * @category Augment
 */
export interface FlipTransform {
  /** Mirrors. */
  readonly kind: 'flip';
  /** Names it in plans and errors: each part may be given once. */
  readonly name: string;
  /** `horizontal` exchanges left and right. */
  readonly axis: 'horizontal' | 'vertical';
  /** Its probability, for checkpoints. */
  readonly options: PlanValues;
  /** Whether this image is mirrored. */
  draw(random: Rng): boolean;
}

/**
 * A part that changes values in place.
 *
 * @category Augment
 */
export interface PixelTransform {
  /** Changes values, moves nothing. */
  readonly kind: 'value';
  /** Names it in plans and errors: each part may be given once. */
  readonly name: string;
  /** Its ranges, for checkpoints. */
  readonly options: PlanValues;
  /** Draws the numbers of one image's change; `shape` in pixels. */
  draw(random: Rng, shape: ImageShape): PlanValues;
  /** Changes `pixels`, 0..255; what leaves that range is cut afterwards. */
  apply(pixels: Pixels, drawn: PlanValues): void;
}

/**
 * One thing an augmentation does.
 *
 * @category Augment
 */
export type ImageTransform = AffineTransform | FlipTransform | PixelTransform;
