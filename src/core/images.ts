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
