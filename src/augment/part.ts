import type { ImageShape, Pixels } from '../core/images.js';
import type { Rng } from '../core/rng.js';
import type { AffinePlan } from './affine.js';

/**
 * Numbers that one part of an augmentation drew.
 *
 * @category Augment
 */
export type Drawn = { readonly [name: string]: number };

/**
 * A part that moves pixels through the one affine warp.
 *
 * @category Augment
 */
export interface AffinePart {
  readonly kind: 'affine';
  readonly name: string;
  readonly options: Drawn | { readonly [name: string]: string };
  /** What it adds to the plan. */
  draw(random: Rng, shape: ImageShape): Partial<AffinePlan>;
}

/**
 * A part that mirrors.
 *
 * @category Augment
 */
export interface FlipPart {
  readonly kind: 'flip';
  readonly name: string;
  readonly axis: 'horizontal' | 'vertical';
  readonly options: Drawn;
  draw(random: Rng): boolean;
}

/**
 * A part that changes values in place.
 *
 * @category Augment
 */
export interface ValuePart {
  readonly kind: 'value';
  readonly name: string;
  readonly options: Drawn;
  draw(random: Rng, shape: ImageShape): Drawn;
  /** Changes `pixels`, 0..255; what leaves that range is cut afterwards. */
  apply(pixels: Pixels, drawn: Drawn): void;
}

/**
 * One thing an augmentation does.
 *
 * @category Augment
 */
export type AugmentationPart = AffinePart | FlipPart | ValuePart;
