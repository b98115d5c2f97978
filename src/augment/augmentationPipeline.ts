import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import type { ImageBytes, ImageShape, Pixels } from '../core/images.js';
import type { Json } from '../core/json.js';
import type { Rng } from '../core/rng.js';
import type { FillMode } from './affine.js';
import { type AugmentationPlan, applyPlan, IDENTITY_AFFINE, type ResolvedAugmentation } from './applyPlan.js';
import type { AugmentationSpec, PixelTransformSpec } from './augmentationSpec.js';
import { getSpec, markSerializable } from './serializable.js';
import type { ImageTransform } from './transform.js';

/** Options that determine how the affine warp of an augmentation pipeline samples images. */
export interface SamplingOptions {
  /** Fill mode for pixels outside the image. Default `nearest`. */
  readonly fillMode?: FillMode;
  /** Pixel value for the `constant` fill mode, 0..255. Default 0. */
  readonly fillValue?: number;
  /**
   * Center of rotations, shears and zooms. `keras` uses the same center as Keras's `ImageDataGenerator`, which is the center of the image
   * only if the image is square. Default: the center of the image.
   */
  readonly compat?: 'keras';
}

/** Augmentation with a list of transforms. It draws a plan (the random parameters for one image) and applies the plan to the image. */
export interface AugmentationPipeline {
  /** Draws the random parameters for one image of the given shape. Height and width are in pixels. */
  draw(random: Rng, shape: ImageShape): AugmentationPlan & Json;
  /** Applies a plan to an image and returns pixel values from 0 to 255. The result is the same on every machine. */
  apply(image: ImageBytes, plan: Json): Pixels;
  /** Transforms and options as plain data. A run can only be resumed if this description is unchanged. */
  readonly description: Json;
}

/**
 * Creates an augmentation pipeline. All affine transforms are combined into one bilinear warp. Flips follow, then the pixel transforms in
 * the order of the list. The warp produces the same pixels as Keras's `ImageDataGenerator`. An image whose plan does not move any pixel is
 * not resampled.
 *
 * @throws An `argument` error for a value that is not a transform, a transform that appears twice, or an unknown fill mode.
 */
export function createAugmentationPipeline(
  transforms: readonly ImageTransform[],
  { fillMode = 'nearest', fillValue = 0, compat }: SamplingOptions = {},
): AugmentationPipeline {
  checkTransforms(transforms);
  checks.oneOf('augment.fillMode', fillMode, FILL_MODES, {
    advice: 'Omit it to repeat the nearest pixel.',
  });
  checks.number('augment.fillValue', fillValue, { min: 0, max: 255, defaultValue: 0 });
  if (compat !== undefined)
    checks.oneOf('augment.compat', compat, ['keras'], { advice: 'Omit it to use the true center.' });
  const entries = transforms.flatMap((transform) =>
    transform.kind === 'flip'
      ? transform.axes.map((axis) => [`${axis}Flip`, transform.options] as const)
      : [[transform.name, transform.options] as const],
  );
  checkUniqueNames(entries.map(([name]) => name));
  const pixelTransforms = transforms.filter((transform) => transform.kind === 'pixel');
  const sampling = { fill: fillMode, value: fillValue, kerasCenter: compat === 'keras' };
  const augmentation: ResolvedAugmentation = { sampling, pixelTransforms };
  const pipeline: AugmentationPipeline = {
    description: {
      parts: entries as readonly (readonly [string, Json])[],
      fill: fillMode,
      value: fillValue,
      compat: compat ?? null,
    },
    draw: (random, shape) => {
      let affine = IDENTITY_AFFINE;
      const flips = { horizontal: false, vertical: false };
      const values: { readonly [parameter: string]: number }[] = [];
      for (const transform of transforms) {
        if (transform.kind === 'affine') affine = { ...affine, ...transform.draw(random, shape) };
        else if (transform.kind === 'pixel') values.push(transform.draw(random, shape));
        else for (const axis of transform.axes) flips[axis] = transform.draw(random);
      }
      return { affine: { ...affine }, flips, values };
    },
    apply: (image, plan) =>
      applyPlan(
        image,
        plan as unknown as AugmentationPlan,
        augmentation,
        new Float32Array(image.data.length),
      ),
  };
  // A plan contains all parameters of geometric transforms. Only the code of a custom pixel transform cannot be sent to another thread.
  const specs = pixelTransforms.map((transform) => getSpec(transform) as PixelTransformSpec | undefined);
  if (specs.includes(undefined)) return pipeline;
  const spec: AugmentationSpec = { sampling, pixelTransforms: specs as readonly PixelTransformSpec[] };
  return markSerializable(pipeline, spec);
}

function checkTransforms(transforms: unknown): void {
  const advice = "Write augment([randomRotation({ degrees: 20 }), randomFlip('horizontal')]).";
  checks.list('augment', transforms, { noun: 'an array of image transforms', advice });
  const invalid = transforms.findIndex((item) => !isTransform(item));
  if (invalid < 0) return;
  throw createError({
    kind: 'argument',
    path: `augment[${invalid}]`,
    expected: 'an image transform',
    received: describeType(transforms[invalid]),
    advice,
  });
}

const isTransform = (value: unknown) =>
  ['affine', 'flip', 'pixel'].includes((value as Partial<ImageTransform> | null)?.kind as string);

const FILL_MODES: readonly FillMode[] = ['nearest', 'reflect', 'wrap', 'constant'];

function checkUniqueNames(names: readonly string[]): void {
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated === undefined) return;
  throw createError({
    kind: 'argument',
    path: `augment.${repeated}`,
    expected: 'a transform that appears once',
    received: 'a transform that appears twice',
    advice: 'Remove one of the two transforms, for example the one with the smaller range.',
  });
}
