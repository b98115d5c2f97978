import type { HostArray } from '../core/arrays.js';
import type { PixelRange } from '../core/images.js';

/** Scales pixel values from 0..255 to the input range of a model. Returns a new array of shape `shape`. */
export function rescaleImages(
  pixels: ArrayLike<number>,
  shape: readonly number[],
  range: PixelRange,
): HostArray {
  const data = new Float32Array(pixels.length);
  rescalePixelsInto(pixels, range, data);
  return { shape, data };
}

/**
 * Scales pixel values from 0..255 to the input range of a model and writes them into `values`, which must have the same length as `pixels`.
 */
export function rescalePixelsInto(
  pixels: ArrayLike<number>,
  [black, white]: PixelRange,
  values: Float32Array,
): void {
  const scale = (white - black) / 255;
  for (let i = 0; i < pixels.length; i++) values[i] = pixels[i]! * scale + black;
}
