import type { Pixels } from '../core/images.js';
import { checkRange } from './geometricTransforms.js';
import { markSerializable } from './serializable.js';
import type { PixelTransform } from './transform.js';

/** Rec. 601 luma, as Pillow and TensorFlow weigh red, green and blue. */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * Multiplies every value by a factor drawn from `1 - range` to `1 + range`, as Pillow's brightness enhancer, which Keras uses.
 *
 * @param options - `range`: 0 to 1.
 * @throws `argument` fault for a range out of its own.
 * @example
 * ```ts
 * import { augment, brightness, rng } from 'tfjs-multitask';
 *
 * const look = augment([brightness({ range: 0.3 })]);
 * const pixel = { data: Uint8Array.of(200, 100, 50), height: 1, width: 1, channels: 3 };
 * const plan = look.draw(rng(7), [1, 1, 3]);
 * console.log(plan.values, look.apply(pixel, plan).data[1]); // [ { factor: 0.73… } ] 73.99…
 * ```
 * @category Augment
 */
export function randomBrightness({ range }: { readonly range: number }): PixelTransform {
  return createScalingTransform('brightness', range, (pixels, factor) => blend(pixels, factor, 0));
}

/**
 * Moves every value away from the image's mean luma, or toward it, by a factor drawn from `1 - range` to `1 + range`.
 *
 * @param options - `range`: 0 to 1.
 * @throws `argument` fault for a range out of its own.
 * @example
 * ```ts
 * import { augment, contrast, rng } from 'tfjs-multitask';
 *
 * const look = augment([contrast({ range: 0.3 })]);
 * const image = { data: Uint8Array.of(100, 200), height: 1, width: 2, channels: 1 };
 * console.log(look.apply(image, look.draw(rng(7), [1, 2, 1])).data); // Float32Array(2) [ 113.0…, 186.9… ]
 * ```
 * @category Augment
 */
export function randomContrast({ range }: { readonly range: number }): PixelTransform {
  return createScalingTransform('contrast', range, (pixels, factor) => {
    let sum = 0;
    for (let i = 0; i < pixels.data.length; i += pixels.channels) sum += computeLuma(pixels, i);
    const mean = (sum * pixels.channels) / pixels.data.length;
    blend(pixels, factor, mean);
  });
}

/**
 * Moves every pixel away from its own grey, or toward it, by a factor drawn from `1 - range` to `1 + range`.
 *
 * @param options - `range`: 0 to 1.
 * @throws `argument` fault for a range out of its own.
 * @example
 * ```ts
 * import { augment, rng, saturation } from 'tfjs-multitask';
 *
 * const look = augment([saturation({ range: 0.3 })]);
 * const pixel = { data: Uint8Array.of(200, 100, 50), height: 1, width: 1, channels: 3 };
 * console.log(look.apply(pixel, look.draw(rng(7), [1, 1, 3])).data[0]); // 180.2…
 * ```
 * @category Augment
 */
export function randomSaturation({ range }: { readonly range: number }): PixelTransform {
  return createScalingTransform('saturation', range, (pixels, factor) => blendWithLuma(pixels, factor));
}

/**
 * Takes the colour out of a share of the images: every channel becomes the pixel's luma (Rec. 601). A network that is to see every
 * image in grey has `grayscaleImage()` in its trunk, or in what a branch `sees`.
 *
 * @param options - `probability`: 0 to 1, default 0.1.
 * @throws `argument` fault for a probability out of its range.
 * @example
 * ```ts
 * import { augment, greyscale, rng } from 'tfjs-multitask';
 *
 * const look = augment([greyscale({ probability: 1 })]);
 * const pixel = { data: Uint8Array.of(200, 100, 50), height: 1, width: 1, channels: 3 };
 * console.log(look.apply(pixel, look.draw(rng(7), [1, 1, 3])).data[0]); // 124.19…
 * ```
 * @category Augment
 */
export function randomGrayscale({
  probability = 0.1,
}: {
  readonly probability?: number;
} = {}): PixelTransform {
  checkRange('greyscale.probability', probability, 0, 1);
  return createPixelTransform({
    name: 'greyscale',
    options: { probability },
    draw: (random) => ({ grey: random.next() < probability ? 1 : 0 }),
    apply: (pixels, { grey }) => {
      if (grey === 1) blendWithLuma(pixels, 0);
    },
  });
}

/**
 * Paints one square of mid-grey (128) over the image, its centre anywhere; what leaves the image is lost.
 *
 * Source: T. DeVries and G. Taylor, Improved regularization of convolutional neural networks with cutout, 2017.
 *
 * @param options - `side`: of the square, as a share of the shorter side of the image: 0 to 1, default 0.25.
 * @throws `argument` fault for a side out of its range.
 * @example
 * ```ts
 * import { augment, cutout, rng } from 'tfjs-multitask';
 *
 * const look = augment([cutout({ side: 0.5 })]);
 * const white = { data: new Uint8Array(8 * 8).fill(255), height: 8, width: 8, channels: 1 };
 * const { data } = look.apply(white, look.draw(rng(7), [8, 8, 1]));
 * console.log(data.filter((value) => value === 128).length); // 8
 * ```
 * @category Augment
 */
export function randomCutout({ side = 0.25 }: { readonly side?: number } = {}): PixelTransform {
  checkRange('cutout.side', side, 0, 1);
  return createPixelTransform({
    name: 'cutout',
    options: { side },
    draw: (random, [height, width]) => ({ row: random.nextInt(height), column: random.nextInt(width) }),
    apply: ({ data, height, width, channels }, { row = 0, column = 0 }) => {
      const half = (side * Math.min(height, width)) / 2;
      const left = Math.max(0, Math.round(column - half));
      const right = Math.min(width, Math.round(column + half));
      for (let r = Math.max(0, Math.round(row - half)); r < Math.min(height, Math.round(row + half)); r++) {
        if (right > left) data.fill(128, (r * width + left) * channels, (r * width + right) * channels);
      }
    },
  });
}

function createScalingTransform(
  name: string,
  range: number,
  change: (pixels: Pixels, factor: number) => void,
): PixelTransform {
  checkRange(`${name}.range`, range, 0, 1);
  return createPixelTransform({
    name,
    options: { range },
    draw: (random) => ({ factor: random.uniform(1 - range, 1 + range) }),
    apply: (pixels, { factor = 1 }) => change(pixels, factor),
  });
}

/** A part that a worker can make again. */
function createPixelTransform({ name, options, draw, apply }: Omit<PixelTransform, 'kind'>): PixelTransform {
  return markSerializable({ kind: 'value', name, options, draw, apply }, [name, options]);
}

/** `value = origin + factor (value - origin)`, for every value. */
function blend({ data }: Pixels, factor: number, origin: number): void {
  for (let i = 0; i < data.length; i++) data[i] = origin + factor * (data[i]! - origin);
}

/** The same, each pixel about its own luma. */
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
