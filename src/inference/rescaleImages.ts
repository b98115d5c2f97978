import type { HostArray } from '../core/arrays.js';
import type { PixelRange } from '../core/images.js';

/** Returns images with pixel values from 0 to 255 as an array in the network's range. */
export function rescaleImages(
  pixels: ArrayLike<number>,
  shape: readonly number[],
  range: PixelRange,
): HostArray {
  const data = new Float32Array(pixels.length);
  rescalePixelsInto(pixels, range, data);
  return { shape, data };
}

/** Converts pixel values from 0 to 255 to the network's range and writes them into `values`, which has the same length. */
export function rescalePixelsInto(
  pixels: ArrayLike<number>,
  [black, white]: PixelRange,
  values: Float32Array,
): void {
  const scale = (white - black) / 255;
  for (let i = 0; i < pixels.length; i++) values[i] = pixels[i]! * scale + black;
}
