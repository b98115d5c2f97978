import { createError } from '../core/errors/errors.js';
import type { AffineTransform, FlipTransform } from './transform.js';

/** Throws an `argument` fault unless `value` is a finite number from `least` to `most`. */
export function checkRange(path: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw createError({
    kind: 'argument',
    path,
    expected: `a number from ${least} to ${most}`,
    received: String(value),
    advice: 'Angles are in degrees; ranges and probabilities are shares, 0.1 for a tenth.',
  });
}

/**
 * Turns by an angle drawn from `-degrees` to `degrees`, counter-clockwise positive, as Keras's `rotation_range`.
 *
 * @param options - `degrees`: 0 to 360.
 * @throws `argument` fault for degrees out of their range.
 * @example
 * ```ts
 * import { augment, rng, rotation } from 'tfjs-multitask';
 *
 * const look = augment([rotation({ degrees: 20 })]);
 * console.log(look.draw(rng(7), [64, 64, 3]).affine.rotation); // -17.33…
 * ```
 * @category Augment
 */
export function randomRotation({ degrees }: { readonly degrees: number }): AffineTransform {
  checkRange('randomRotation.degrees', degrees, 0, 360);
  return {
    kind: 'affine',
    name: 'rotation',
    options: { degrees },
    draw: (random) => ({ rotation: random.uniform(-degrees, degrees) }),
  };
}

/**
 * Zooms by factors drawn from `1 - range` to `1 + range`; over 1 shows more of the scene.
 *
 * @param options - `range`: 0 to 0.99. `axes`: `independent` (default) draws one factor a side, as Keras's `zoom_range`;
 *   `together` keeps proportions.
 * @throws `argument` fault for a range out of its own.
 * @example
 * ```ts
 * import { augment, rng, zoom } from 'tfjs-multitask';
 *
 * const look = augment([zoom({ range: 0.1, axes: 'together' })]);
 * const { zoomRows, zoomColumns } = look.draw(rng(7), [64, 64, 3]).affine;
 * console.log(zoomRows, zoomRows === zoomColumns); // 0.91… true
 * ```
 * @category Augment
 */
export function randomZoom({
  range,
  axes = 'independent',
}: {
  readonly range: number;
  readonly axes?: 'independent' | 'together';
}): AffineTransform {
  checkRange('zoom.range', range, 0, 0.99);
  return {
    kind: 'affine',
    name: 'zoom',
    options: { range: String(range), axes },
    draw: (random) => {
      const zoomColumns = random.uniform(1 - range, 1 + range);
      const zoomRows = axes === 'together' ? zoomColumns : random.uniform(1 - range, 1 + range);
      return { zoomColumns, zoomRows };
    },
  };
}

/**
 * Moves by a share of the height and of the width, each drawn from minus to plus the given share.
 *
 * @param options - `height`, `width`: 0 to 1, default 0; the plan holds pixels.
 * @throws `argument` fault for a share out of its range.
 * @example
 * ```ts
 * import { augment, rng, shift } from 'tfjs-multitask';
 *
 * const look = augment([shift({ height: 0.1 })]);
 * console.log(look.draw(rng(7), [64, 64, 3]).affine.shiftRows); // -5.54…
 * ```
 * @category Augment
 */
export function randomTranslation({
  height = 0,
  width = 0,
}: {
  readonly height?: number;
  readonly width?: number;
}): AffineTransform {
  checkRange('shift.height', height, 0, 1);
  checkRange('shift.width', width, 0, 1);
  return {
    kind: 'affine',
    name: 'shift',
    options: { height, width },
    draw: (random, [rows, columns]) => ({
      shiftRows: random.uniform(-height, height) * rows,
      shiftColumns: random.uniform(-width, width) * columns,
    }),
  };
}

/**
 * Shears by an angle drawn from `-degrees` to `degrees`, as Keras's `shear_range`.
 *
 * @param options - `degrees`: 0 to 89.
 * @throws `argument` fault for degrees out of their range.
 * @example
 * ```ts
 * import { augment, rng, shear } from 'tfjs-multitask';
 *
 * const look = augment([shear({ degrees: 10 })]);
 * console.log(look.draw(rng(7), [64, 64, 3]).affine.shear); // -8.66…
 * ```
 * @category Augment
 */
export function randomShear({ degrees }: { readonly degrees: number }): AffineTransform {
  checkRange('shear.degrees', degrees, 0, 89);
  return {
    kind: 'affine',
    name: 'shear',
    options: { degrees },
    draw: (random) => ({ shear: random.uniform(-degrees, degrees) }),
  };
}

/**
 * Mirrors left and right in a share of the images.
 *
 * @param options - `probability`: 0 to 1, default 0.5.
 * @throws `argument` fault for a probability out of its range.
 * @example
 * ```ts
 * import { augment, horizontalFlip, rng } from 'tfjs-multitask';
 *
 * const look = augment([horizontalFlip({ probability: 1 })]);
 * const image = { data: Uint8Array.of(1, 2, 3), height: 1, width: 3, channels: 1 };
 * console.log(look.apply(image, look.draw(rng(7), [1, 3, 1])).data); // Float32Array(3) [ 3, 2, 1 ]
 * ```
 * @category Augment
 */
export function randomHorizontalFlip({
  probability = 0.5,
}: {
  readonly probability?: number;
} = {}): FlipTransform {
  return createFlipTransform('horizontal', probability);
}

/**
 * Mirrors top and bottom in a share of the images.
 *
 * @param options - `probability`: 0 to 1, default 0.5.
 * @throws `argument` fault for a probability out of its range.
 * @example
 * ```ts
 * import { augment, rng, verticalFlip } from 'tfjs-multitask';
 *
 * const look = augment([verticalFlip({ probability: 1 })]);
 * const image = { data: Uint8Array.of(1, 2, 3), height: 3, width: 1, channels: 1 };
 * console.log(look.apply(image, look.draw(rng(7), [3, 1, 1])).data); // Float32Array(3) [ 3, 2, 1 ]
 * ```
 * @category Augment
 */
export function randomVerticalFlip({
  probability = 0.5,
}: {
  readonly probability?: number;
} = {}): FlipTransform {
  return createFlipTransform('vertical', probability);
}

function createFlipTransform(axis: 'horizontal' | 'vertical', probability: number): FlipTransform {
  checkRange(`${axis}Flip.probability`, probability, 0, 1);
  return {
    kind: 'flip',
    name: `${axis}Flip`,
    axis,
    options: { probability },
    draw: (random) => random.next() < probability,
  };
}
