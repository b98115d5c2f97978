import * as checks from './errors/checks.js';
import { createError, type ErrorKind } from './errors/errors.js';
import { describeType } from './errors/formatValue.js';
/**
 * An image as bytes, 0..255. Rows start at the top, and channels are interleaved: `RGBRGB…`, or one gray value for each pixel.
 *
 * @category Data
 */
export interface ImageBytes {
  /** Pixel values as bytes. The length is `height * width * channels`. */
  readonly data: Uint8Array;
  /** Height in pixels. */
  readonly height: number;
  /** Width in pixels. */
  readonly width: number;
  /** Number of channels: 3 (RGB) or 1 (grayscale). */
  readonly channels: number;
}

/**
 * An image after augmentation. It has the same layout as {@link ImageBytes}. The values are in the range 0..255 and are not rounded.
 *
 * @category Data
 */
export interface Pixels {
  /** Pixel values. The length is `height * width * channels`. */
  readonly data: Float32Array;
  /** Height in pixels. */
  readonly height: number;
  /** Width in pixels. */
  readonly width: number;
  /** Number of channels: 3 (RGB) or 1 (grayscale). */
  readonly channels: number;
}

/**
 * Shape of an image, `[height, width, channels]`. Height and width are in pixels.
 *
 * @category Data
 */
export type ImageShape = readonly [height: number, width: number, channels: number];

/**
 * Range of the pixel values that a network receives: the two numbers to which black (0 in image files) and white (255) are mapped.
 *
 * @category Compose
 */
export type PixelRange = readonly [black: number, white: number];

/** Maximum size of an image file in bytes. This limits the memory for files that are read at the same time. */
export const MAX_IMAGE_FILE_BYTES = 2 ** 28;

/**
 * Converts color pixels to grayscale bytes. `stride` is the number of bytes per pixel. The result equals that of Pillow's mode `L`, which
 * Keras uses for `color_mode="grayscale"`: ITU-R BT.601 luma in 16-bit integer arithmetic.
 */
export function toGrayscaleBytes(pixels: ArrayLike<number>, stride: 3 | 4): Uint8Array {
  const gray = new Uint8Array(pixels.length / stride);
  for (let i = 0; i < gray.length; i++) {
    const offset = i * stride;
    gray[i] =
      (pixels[offset]! * 19595 + pixels[offset + 1]! * 38470 + pixels[offset + 2]! * 7471 + 0x8000) >> 16;
  }
  return gray;
}

/**
 * Throws an error unless `image` has a valid size and its pixel values are bytes. Other numbers, such as the floats of a `Float32Array`,
 * are rejected, because values from 0 to 1 would result in black images.
 */
export function checkImageBytes(path: string, image: unknown, kind: ErrorKind = 'argument'): void {
  const advice =
    'Pass { data, height, width, channels } with the pixels as a Uint8Array, each value from 0 to 255.';
  checks.record(path, image, { kind, noun: 'an image: { data, height, width, channels }', advice });
  const { data } = image;
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) {
    for (const name of ['height', 'width', 'channels'])
      checks.integer(`${path}.${name}`, image[name], { kind, min: 1, advice });
    return;
  }
  const bytesAdvice =
    data instanceof Float32Array || data instanceof Float64Array
      ? 'Pass Uint8Array.from(data, (value) => Math.round(255 * value)) if the values are from 0 to 1.'
      : advice;
  throw createError({
    kind,
    path: `${path}.data`,
    expected: 'the pixels as bytes in a Uint8Array',
    received: describeType(data),
    advice: bytesAdvice,
  });
}
