import type { HostArray } from '../core/arrays.js';
import type { PixelRange } from '../core/images.js';

/** Images as numbers: from 0..255 to the network's range. */
export function rescaleImages(
  pixels: ArrayLike<number>,
  shape: readonly number[],
  range: PixelRange,
): HostArray {
  const data = new Float32Array(pixels.length);
  rescalePixelsInto(pixels, range, data);
  return { shape, data };
}

/** The same into `numbers`, as many as there are pixels. */
export function rescalePixelsInto(
  pixels: ArrayLike<number>,
  [black, white]: PixelRange,
  numbers: Float32Array,
): void {
  const scale = (white - black) / 255;
  for (let i = 0; i < pixels.length; i++) numbers[i] = pixels[i]! * scale + black;
}
