import * as checks from '../core/errors/checks.js';
import type { Pixels } from '../core/images.js';
import { markSerializable } from './serializable.js';
import type { PixelTransform } from './transform.js';

/** Weights of red, green and blue in the luma of a pixel (ITU-R BT.601), as in Pillow and TensorFlow. */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * Multiplies all pixel values of an image by a random factor between `1 - range` and `1 + range`, like `brightness_range` in Keras's
 * `ImageDataGenerator` and Pillow's `ImageEnhance.Brightness`.
 *
 * @param options - `range`: largest difference between the factor and 1, from 0 to 1.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for a `range` outside 0 to 1.
 * @example
 * ```ts
 * import { createRng, randomBrightness } from 'tfjs-multitask';
 *
 * const brightness = randomBrightness({ range: 0.3 });
 * const pixel = { data: Float32Array.of(200, 100, 50), height: 1, width: 1, channels: 3 };
 * brightness.apply(pixel, { factor: 0.5 });
 * console.log(brightness.draw(createRng(7), [1, 1, 3]), pixel.data[0]); // { factor: 0.73… } 100
 * ```
 * @category Augment
 */
export function randomBrightness(options: {
  /** Largest difference between the factor and 1, from 0 to 1. */
  readonly range: number;
}): PixelTransform {
  return createScalingTransform('brightness', 'randomBrightness', options, (pixels, factor) =>
    blend(pixels, factor, 0),
  );
}

/**
 * Scales the difference between each pixel value and the mean luma of the image by a random factor between `1 - range` and `1 + range`.
 *
 * @param options - `range`: largest difference between the factor and 1, from 0 to 1.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for a `range` outside 0 to 1.
 * @example
 * ```ts
 * import { randomContrast } from 'tfjs-multitask';
 *
 * const image = { data: Float32Array.of(100, 200), height: 1, width: 2, channels: 1 };
 * randomContrast({ range: 0.3 }).apply(image, { factor: 0.5 });
 * console.log(image.data); // Float32Array(2) [ 125, 175 ]
 * ```
 * @category Augment
 */
export function randomContrast(options: {
  /** Largest difference between the factor and 1, from 0 to 1. */
  readonly range: number;
}): PixelTransform {
  return createScalingTransform('contrast', 'randomContrast', options, (pixels, factor) => {
    let sum = 0;
    for (let i = 0; i < pixels.data.length; i += pixels.channels) sum += computeLuma(pixels, i);
    const mean = (sum * pixels.channels) / pixels.data.length;
    blend(pixels, factor, mean);
  });
}

/**
 * Scales the difference between each channel of a pixel and the luma of that pixel by a random factor between `1 - range` and `1 + range`.
 * A factor of 0 results in a grayscale image.
 *
 * @param options - `range`: largest difference between the factor and 1, from 0 to 1.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for a `range` outside 0 to 1.
 * @example
 * ```ts
 * import { randomSaturation } from 'tfjs-multitask';
 *
 * const pixel = { data: Float32Array.of(200, 100, 50), height: 1, width: 1, channels: 3 };
 * randomSaturation({ range: 0.3 }).apply(pixel, { factor: 0.75 });
 * console.log(pixel.data[0]); // 181.05…
 * ```
 * @category Augment
 */
export function randomSaturation(options: {
  /** Largest difference between the factor and 1, from 0 to 1. */
  readonly range: number;
}): PixelTransform {
  return createScalingTransform('saturation', 'randomSaturation', options, (pixels, factor) =>
    blendWithLuma(pixels, factor),
  );
}

/**
 * Randomly converts images to grayscale: each channel is set to the luma of the pixel (ITU-R BT.601). For a network that sees every image
 * in grayscale, use `grayscaleImage()` in its trunk or as the `inputView` of a branch.
 *
 * @param options - `probability`: probability that an image is converted, 0 to 1. Default 0.1.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for a `probability` outside 0 to 1.
 * @example
 * ```ts
 * import { createRng, randomGrayscale } from 'tfjs-multitask';
 *
 * const grayscale = randomGrayscale({ probability: 1 });
 * const pixel = { data: Float32Array.of(200, 100, 50), height: 1, width: 1, channels: 3 };
 * grayscale.apply(pixel, grayscale.draw(createRng(7), [1, 1, 3]));
 * console.log(pixel.data[0]); // 124.19…
 * ```
 * @category Augment
 */
export function randomGrayscale(
  options: {
    /** Probability that an image is converted to grayscale, 0 to 1. Default 0.1. */
    readonly probability?: number;
  } = {},
): PixelTransform {
  checks.options('randomGrayscale', options, { probability: true });
  const { probability = 0.1 } = options;
  checks.proportion('randomGrayscale.probability', probability, {
    advice: 'Pass the probability that an image is converted to grayscale, for example 0.1.',
  });
  return createPixelTransform({
    name: 'grayscale',
    options: { probability },
    draw: (random) => ({ gray: random.next() < probability ? 1 : 0 }),
    apply: (pixels, { gray }) => {
      if (gray === 1) blendWithLuma(pixels, 0);
    },
  });
}

/**
 * Paints one square of medium gray (128) over each image. The center of the square is a random pixel, so parts of the square can be outside
 * the image.
 *
 * Source: T. DeVries and G. Taylor, Improved regularization of convolutional neural networks with cutout, 2017.
 *
 * @param options - `side`: side of the square as a fraction of the shorter side of the image, 0 to 1. Default 0.25.
 * @returns A transform for {@link Dataset.augment}.
 * @throws An `argument` error for a `side` outside 0 to 1.
 * @example
 * ```ts
 * import { randomCutout } from 'tfjs-multitask';
 *
 * const white = { data: new Float32Array(8 * 8).fill(255), height: 8, width: 8, channels: 1 };
 * randomCutout({ side: 0.5 }).apply(white, { row: 4, column: 0 });
 * console.log(white.data.filter((value) => value === 128).length); // 8
 * ```
 * @category Augment
 */
export function randomCutout(
  options: {
    /** Side of the square as a fraction of the shorter side of the image, 0 to 1. Default 0.25. */
    readonly side?: number;
  } = {},
): PixelTransform {
  checks.options('randomCutout', options, { side: true });
  const { side = 0.25 } = options;
  checks.proportion('randomCutout.side', side, {
    advice: 'Pass the side of the square as a fraction of the shorter image side, for example 0.25.',
  });
  return createPixelTransform({
    name: 'cutout',
    options: { side },
    draw: (random, [height, width]) => ({ row: random.nextInt(height), column: random.nextInt(width) }),
    apply: ({ data, height, width, channels }, { row = 0, column = 0 }) => {
      const half = (side * Math.min(height, width)) / 2;
      const first = Math.max(0, Math.round(column - half));
      const end = Math.min(width, Math.round(column + half));
      for (let r = Math.max(0, Math.round(row - half)); r < Math.min(height, Math.round(row + half)); r++) {
        if (end > first) data.fill(128, (r * width + first) * channels, (r * width + end) * channels);
      }
    },
  });
}

function createScalingTransform(
  name: string,
  caller: string,
  options: { readonly range: number },
  change: (pixels: Pixels, factor: number) => void,
): PixelTransform {
  checks.options(caller, options, { range: true });
  const { range } = options;
  checks.proportion(`${caller}.range`, range, {
    advice: 'Pass the largest difference between the factor and 1, for example 0.2.',
  });
  return createPixelTransform({
    name,
    options: { range },
    draw: (random) => ({ factor: random.uniform(1 - range, 1 + range) }),
    apply: (pixels, { factor = 1 }) => change(pixels, factor),
  });
}

/** Creates a pixel transform that a worker can rebuild from its name and options. */
function createPixelTransform({ name, options, draw, apply }: Omit<PixelTransform, 'kind'>): PixelTransform {
  return markSerializable({ kind: 'pixel', name, options, draw, apply }, [name, options]);
}

/** Scales the difference between each value and `origin`: replaces the value with `origin + factor * (value - origin)`. */
function blend({ data }: Pixels, factor: number, origin: number): void {
  for (let i = 0; i < data.length; i++) data[i] = origin + factor * (data[i]! - origin);
}

/** Scales the difference between each value and the luma of its pixel: replaces the value with `luma + factor * (value - luma)`. */
function blendWithLuma(pixels: Pixels, factor: number): void {
  const { data, channels } = pixels;
  for (let i = 0; i < data.length; i += channels) {
    const luma = computeLuma(pixels, i);
    for (let c = i; c < i + channels; c++) data[c] = luma + factor * (data[c]! - luma);
  }
}

function computeLuma({ data, channels }: Pixels, index: number): number {
  if (channels < 3) return data[index]!;
  return LUMA[0] * data[index]! + LUMA[1] * data[index + 1]! + LUMA[2] * data[index + 2]!;
}
