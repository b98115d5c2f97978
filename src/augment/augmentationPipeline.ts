import { createError } from '../core/errors/errors.js';
import type { ImageBytes, ImageShape, Pixels } from '../core/images.js';
import type { Json } from '../core/json.js';
import type { Rng } from '../core/rng.js';
import type { FillMode } from './affine.js';
import { type AugmentationPlan, applyPlan, IDENTITY_AFFINE, type ResolvedAugmentation } from './applyPlan.js';
import type { AugmentationSpec, PixelTransformSpec } from './augmentationSpec.js';
import { getSpec, markSerializable } from './serializable.js';
import type { ImageTransform, PlanValues } from './transform.js';

/**
 * How {@link createAugmentationPipeline} samples.
 *
 * @category Augment
 */
export interface AugmentationOptions {
  /** What comes in from outside the image: the nearest pixel (default), a mirror image, its repetition, or `value`. */
  readonly fillMode?: FillMode;
  /** For `fill: 'constant'`, 0..255. Default 0. */
  readonly fillValue?: number;
  /** `keras` repeats the misplaced centre of Keras's generators on images that are not square. Default: the true centre. */
  readonly compat?: 'keras';
}

/**
 * Draws plans and applies them.
 *
 * @category Augment
 */
export interface Augmentation {
  /** Draws the numbers of one image's change; `shape` in pixels. */
  draw(random: Rng, shape: ImageShape): AugmentationPlan & Json;
  /** A pure function of bytes and numbers: the same on every engine and machine. Values stay within 0..255. */
  apply(image: ImageBytes, plan: Json): Pixels;
  /** What it does, for checkpoints: another description is another run. */
  readonly description: Json;
}

/**
 * Random changes of images, as plans: all that moves pixels in one bilinear warp, then flips, then what changes values in
 * the order given. The warp is pixel for pixel that of Keras's `ImageDataGenerator`. An image whose plan moves nothing is
 * not resampled.
 *
 * @throws `argument` fault for a part given twice, or a number out of its range.
 * @example
 * ```ts
 * import { augment, horizontalFlip, rng, rotation, zoom } from 'tfjs-multitask';
 *
 * const look = augment([rotation({ degrees: 20 }), zoom({ range: 0.1 }), horizontalFlip()]);
 * const image = { data: new Uint8Array(8 * 8 * 3).fill(90), height: 8, width: 8, channels: 3 };
 * const plan = look.draw(rng(7, 'plan'), [8, 8, 3]);
 * console.log(look.apply(image, plan).data[0]); // 90
 * ```
 * @category Augment
 */
export function createAugmentationPipeline(
  parts: readonly ImageTransform[],
  { fillMode = 'nearest', fillValue = 0, compat }: AugmentationOptions = {},
): Augmentation {
  parts.forEach(({ name }, i) => {
    if (parts.findIndex((other) => other.name === name) === i) return;
    throw createError({
      kind: 'argument',
      path: `augment.${name}`,
      expected: 'each transform at most once',
      received: 'the same transform twice',
      advice: 'Keep the one with the wider range.',
    });
  });
  const valueParts = parts.filter((part) => part.kind === 'value');
  const sampling = { fill: fillMode, value: fillValue, kerasCentre: compat === 'keras' };
  const changes: ResolvedAugmentation = { sampling, pixelTransforms: valueParts };
  const look: Augmentation = {
    description: {
      parts: parts.map(({ name, options }) => [name, options as Json]),
      fill: fillMode,
      value: fillValue,
      compat: compat ?? null,
    },
    draw: (random, shape) => {
      let affine = IDENTITY_AFFINE;
      const flips = { horizontal: false, vertical: false };
      const values: PlanValues[] = [];
      for (const part of parts) {
        if (part.kind === 'affine') affine = { ...affine, ...part.draw(random, shape) };
        else if (part.kind === 'flip') flips[part.axis] = part.draw(random);
        else values.push(part.draw(random, shape));
      }
      return { affine: { ...affine }, flips, values };
    },
    apply: (image, plan) =>
      applyPlan(image, plan as unknown as AugmentationPlan, changes, new Float32Array(image.data.length)),
  };
  // What moves pixels is in the plan; only a part that changes values brings code of its own, which no thread can be sent.
  const values = valueParts.map((part) => getSpec(part) as PixelTransformSpec | undefined);
  if (values.includes(undefined)) return look;
  const recipe: AugmentationSpec = { sampling, values: values as readonly PixelTransformSpec[] };
  return markSerializable(look, recipe);
}
