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
 * Range of pixel values that a network receives: the values of black and white, which are 0 and 255 in image files.
 *
 * @category Compose
 */
export type PixelRange = readonly [black: number, white: number];

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
