/**
 * An image as bytes, rows from the top, channels interleaved (`RGBRGB…` or one grey value a pixel), 0..255.
 *
 * @category Data
 */
export interface ImageBytes {
  /** `height * width * channels` bytes. */
  readonly data: Uint8Array;
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
  /** 3 (RGB) or 1 (grey). */
  readonly channels: number;
}

/**
 * An image after augmentation: the same layout and the same 0..255 scale, not rounded.
 *
 * @category Data
 */
export interface Pixels {
  /** `height * width * channels` numbers. */
  readonly data: Float32Array;
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
  /** 3 (RGB) or 1 (grey). */
  readonly channels: number;
}

/**
 * `[height, width, channels]` in pixels.
 *
 * @category Data
 */
export type ImageShape = readonly [height: number, width: number, channels: number];

/**
 * The numbers a network wants pixels as: 0 stands for black, 255 for white in a file.
 *
 * @category Compose
 */
export type PixelRange = readonly [black: number, white: number];

/**
 * Grey bytes of colour pixels, `stride` bytes apart, as Pillow's `L` and so Keras's `color_mode="grayscale"` have them:
 * luma of ITU-R BT.601 in 16-bit whole numbers.
 */
export function toGrayscaleBytes(pixels: ArrayLike<number>, stride: 3 | 4): Uint8Array {
  const grey = new Uint8Array(pixels.length / stride);
  for (let i = 0; i < grey.length; i++) {
    const at = i * stride;
    grey[i] = (pixels[at]! * 19595 + pixels[at + 1]! * 38470 + pixels[at + 2]! * 7471 + 0x8000) >> 16;
  }
  return grey;
}
