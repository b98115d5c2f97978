import { fault } from '../core/errors.js';
import type { AffinePart, FlipPart } from './part.js';

/** Throws an `argument` fault unless `value` is a finite number from `least` to `most`. */
export function within(path: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw fault({
    kind: 'argument',
    path,
    expected: `a number from ${least} to ${most}`,
    received: String(value),
  });
}

/**
 * Turns by an angle drawn from `-degrees` to `degrees`, counter-clockwise positive, as Keras's `rotation_range`.
 *
 * @category Augment
 */
export function rotation({ degrees }: { readonly degrees: number }): AffinePart {
  within('rotation.degrees', degrees, 0, 360);
  return {
    kind: 'affine',
    name: 'rotation',
    options: { degrees },
    draw: (random) => ({ rotation: random.uniform(-degrees, degrees) }),
  };
}

/**
 * Zooms by factors drawn from `1 - range` to `1 + range`; over 1 shows more of the scene. `axes`: `independent`
 * (default) draws one factor a side, as Keras's `zoom_range`; `together` keeps proportions.
 *
 * @category Augment
 */
export function zoom({
  range,
  axes = 'independent',
}: {
  readonly range: number;
  readonly axes?: 'independent' | 'together';
}): AffinePart {
  within('zoom.range', range, 0, 0.99);
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
 * Moves by a share of the height and of the width, each drawn from minus to plus the given share. Default 0.
 *
 * @category Augment
 */
export function shift({
  height = 0,
  width = 0,
}: {
  readonly height?: number;
  readonly width?: number;
}): AffinePart {
  within('shift.height', height, 0, 1);
  within('shift.width', width, 0, 1);
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
 * @category Augment
 */
export function shear({ degrees }: { readonly degrees: number }): AffinePart {
  within('shear.degrees', degrees, 0, 89);
  return {
    kind: 'affine',
    name: 'shear',
    options: { degrees },
    draw: (random) => ({ shear: random.uniform(-degrees, degrees) }),
  };
}

/**
 * Mirrors left and right in a share of the images. Default half of them.
 *
 * @category Augment
 */
export function horizontalFlip({ probability = 0.5 }: { readonly probability?: number } = {}): FlipPart {
  return flip('horizontal', probability);
}

/**
 * Mirrors top and bottom in a share of the images. Default half of them.
 *
 * @category Augment
 */
export function verticalFlip({ probability = 0.5 }: { readonly probability?: number } = {}): FlipPart {
  return flip('vertical', probability);
}

function flip(axis: 'horizontal' | 'vertical', probability: number): FlipPart {
  within(`${axis}Flip.probability`, probability, 0, 1);
  return {
    kind: 'flip',
    name: `${axis}Flip`,
    axis,
    options: { probability },
    draw: (random) => random.next() < probability,
  };
}
