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

/** How {@link createAugmentationPipeline} samples images. */
export interface SamplingOptions {
  /** How pixels outside the image are filled. Default `nearest`. */
  readonly fillMode?: FillMode;
  /** Pixel value for the fill mode `constant`, 0..255. Default 0. */
  readonly fillValue?: number;
  /**
   * `keras` reproduces the misplaced center that Keras's `ImageDataGenerator` uses for images that are not square. Default: the true
   * center.
   */
  readonly compat?: 'keras';
}

/** A list of transforms. It draws one plan for each image and applies the plan to the image. */
export interface AugmentationPipeline {
  /** Draws the plan of one image. `shape` is in pixels. */
  draw(random: Rng, shape: ImageShape): AugmentationPlan & Json;
  /** Applies a plan to an image. The result has values from 0 to 255 and is the same on every machine. */
  apply(image: ImageBytes, plan: Json): Pixels;
  /** Transforms and options as plain data. A checkpoint can only be resumed with an equal description. */
  readonly description: Json;
}

/**
 * Creates an augmentation pipeline. All affine transforms are combined into one bilinear warp. Flips follow, then the pixel transforms in
 * the order of the list. The warp gives the same pixels as Keras's `ImageDataGenerator`. An image is not resampled if its plan does not
 * move any pixel.
 *
 * @throws `argument` error for a value that is not a transform, a transform that appears twice, and an unknown fill mode.
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
  // A plan contains everything that geometric transforms need. Only a custom pixel transform has code that cannot be sent to another
  // thread.
  const specs = pixelTransforms.map((transform) => getSpec(transform) as PixelTransformSpec | undefined);
  if (specs.includes(undefined)) return pipeline;
  const spec: AugmentationSpec = { sampling, pixelTransforms: specs as readonly PixelTransformSpec[] };
  return markSerializable(pipeline, spec);
}

function checkTransforms(transforms: unknown): void {
  const invalid = Array.isArray(transforms) ? transforms.findIndex((item) => !isTransform(item)) : 0;
  if (invalid === -1) return;
  throw createError({
    kind: 'argument',
    path: Array.isArray(transforms) ? `augment[${invalid}]` : 'augment',
    expected: Array.isArray(transforms) ? 'an image transform' : 'an array of image transforms',
    received: describeType(Array.isArray(transforms) ? transforms[invalid] : transforms),
    advice: "Write augment([randomRotation({ degrees: 20 }), randomFlip('horizontal')]).",
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
    expected: 'each transform at most once',
    received: 'the same transform twice',
    advice: 'Keep the one with the wider range.',
  });
}
