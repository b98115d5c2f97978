import * as checks from '../core/errors/checks.js';
import type { AffineTransform, FlipTransform } from './transform.js';

const DEGREES_ADVICE = 'Pass the angle in degrees, for example 20.';
const FRACTION_ADVICE = 'Pass a fraction of the image size, for example 0.1.';

/**
 * Rotates images by a random angle between `-degrees` and `degrees`, like `rotation_range` in Keras's `ImageDataGenerator`. Positive angles
 * are counter-clockwise.
 *
 * @param options - `degrees`: largest angle in degrees, 0 to 360.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for `degrees` outside 0 to 360.
 * @example
 * ```ts
 * import { createRng, randomRotation } from 'tfjs-multitask';
 *
 * console.log(randomRotation({ degrees: 20 }).draw(createRng(7), [64, 64, 3])); // { rotation: -17.33… }
 * ```
 * @category Augment
 */
export function randomRotation(options: {
  /** Largest angle in degrees, 0 to 360. */
  readonly degrees: number;
}): AffineTransform {
  checks.options('randomRotation', options, { degrees: true }, { replacements: { factor: DEGREES_ADVICE } });
  const { degrees } = options;
  checks.number('randomRotation.degrees', degrees, { min: 0, max: 360, advice: DEGREES_ADVICE });
  return {
    kind: 'affine',
    name: 'rotation',
    options: { degrees },
    draw: (random) => ({ rotation: random.uniform(-degrees, degrees) }),
  };
}

/**
 * Zooms images by random factors between `1 - range` and `1 + range`. A factor above 1 shows more of the scene.
 *
 * @param options - `range`: largest difference between a factor and 1, from 0 to 0.99. `axes`: `independent` (default) draws one factor for
 *   the height and one for the width, like `zoom_range` in Keras's `ImageDataGenerator`; `together` draws one factor for both, which
 *   preserves the aspect ratio.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for a `range` outside 0 to 0.99.
 * @example
 * ```ts
 * import { createRng, randomZoom } from 'tfjs-multitask';
 *
 * const zoom = randomZoom({ range: 0.1, axes: 'together' });
 * const { zoomRows, zoomColumns } = zoom.draw(createRng(7), [64, 64, 3]);
 * console.log(zoomRows, zoomRows === zoomColumns); // 0.91… true
 * ```
 * @category Augment
 */
export function randomZoom(options: {
  /** Largest difference between a factor and 1, from 0 to 0.99. */
  readonly range: number;
  /** `independent` draws separate factors for height and width, `together` draws one factor for both. Default `independent`. */
  readonly axes?: 'independent' | 'together';
}): AffineTransform {
  checks.options('randomZoom', options, { range: true, axes: true });
  const { range, axes = 'independent' } = options;
  checks.number('randomZoom.range', range, {
    min: 0,
    max: 0.99,
    advice: 'Pass the largest difference between a zoom factor and 1, for example 0.1.',
  });
  checks.oneOf('randomZoom.axes', axes, ['independent', 'together'], {
    advice: "Omit it to use the default, 'independent'.",
  });
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
 * Shifts images by a random fraction of their height, between `-heightFactor` and `heightFactor`, and by a random fraction of their width,
 * between `-widthFactor` and `widthFactor`.
 *
 * @param options - `heightFactor`, `widthFactor`: largest fractions, 0 to 1. Default 0.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for a factor outside 0 to 1.
 * @example
 * ```ts
 * import { createRng, randomTranslation } from 'tfjs-multitask';
 *
 * const translation = randomTranslation({ heightFactor: 0.1 });
 * console.log(translation.draw(createRng(7), [64, 64, 3]).shiftRows); // -5.54…
 * ```
 * @category Augment
 */
export function randomTranslation(options: {
  /** Largest vertical shift as a fraction of the height, 0 to 1. Default 0. */
  readonly heightFactor?: number;
  /** Largest horizontal shift as a fraction of the width, 0 to 1. Default 0. */
  readonly widthFactor?: number;
}): AffineTransform {
  checks.options('randomTranslation', options, { heightFactor: true, widthFactor: true });
  const { heightFactor = 0, widthFactor = 0 } = options;
  checks.proportion('randomTranslation.heightFactor', heightFactor, { advice: FRACTION_ADVICE });
  checks.proportion('randomTranslation.widthFactor', widthFactor, { advice: FRACTION_ADVICE });
  return {
    kind: 'affine',
    name: 'shift',
    options: { height: heightFactor, width: widthFactor },
    draw: (random, [rows, columns]) => ({
      shiftRows: random.uniform(-heightFactor, heightFactor) * rows,
      shiftColumns: random.uniform(-widthFactor, widthFactor) * columns,
    }),
  };
}

/**
 * Shears images by a random angle between `-degrees` and `degrees`, like `shear_range` in Keras's `ImageDataGenerator`.
 *
 * @param options - `degrees`: largest angle in degrees, 0 to 89.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for `degrees` outside 0 to 89.
 * @example
 * ```ts
 * import { createRng, randomShear } from 'tfjs-multitask';
 *
 * console.log(randomShear({ degrees: 10 }).draw(createRng(7), [64, 64, 3])); // { shear: -8.66… }
 * ```
 * @category Augment
 */
export function randomShear(options: {
  /** Largest angle in degrees, 0 to 89. */
  readonly degrees: number;
}): AffineTransform {
  checks.options('randomShear', options, { degrees: true });
  const { degrees } = options;
  checks.number('randomShear.degrees', degrees, { min: 0, max: 89, advice: DEGREES_ADVICE });
  return {
    kind: 'affine',
    name: 'shear',
    options: { degrees },
    draw: (random) => ({ shear: random.uniform(-degrees, degrees) }),
  };
}

const FLIP_AXES = {
  horizontal: ['horizontal'],
  vertical: ['vertical'],
  both: ['horizontal', 'vertical'],
} as const satisfies { readonly [mode: string]: FlipTransform['axes'] };

/**
 * Randomly mirrors images: `horizontal` swaps left and right, `vertical` swaps top and bottom. With `both`, each axis is drawn
 * independently, so that by default a quarter of the images are mirrored along both axes.
 *
 * @param mode - `horizontal`, `vertical` or `both`.
 * @param options - `probability`: probability of a flip along each axis, 0 to 1. Default 0.5.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for an unknown mode or a `probability` outside 0 to 1.
 * @example
 * ```ts
 * import { createRng, randomFlip } from 'tfjs-multitask';
 *
 * const flip = randomFlip('horizontal', { probability: 1 });
 * console.log(flip.axes, flip.draw(createRng(7))); // ['horizontal'] true
 * ```
 * @category Augment
 */
export function randomFlip(
  mode: 'horizontal' | 'vertical' | 'both',
  options: {
    /** Probability of a flip along each axis, 0 to 1. Default 0.5. */
    readonly probability?: number;
  } = {},
): FlipTransform {
  checks.oneOf('randomFlip.mode', mode, ['horizontal', 'vertical', 'both'], {
    advice: "Write randomFlip('horizontal') to swap left and right.",
  });
  checks.options('randomFlip', options, { probability: true });
  const { probability = 0.5 } = options;
  checks.proportion('randomFlip.probability', probability, {
    advice: 'Pass the probability of a flip, for example 0.5.',
  });
  return {
    kind: 'flip',
    axes: FLIP_AXES[mode],
    options: { probability },
    draw: (random) => random.next() < probability,
  };
}
