import { toGrayscaleBytes } from '../../core/images.js';
import type { Decoder } from '../../core/platform/platform.js';
import { loadPackage } from './loadPackage.js';

type Sharp = typeof import('sharp').default;

/**
 * Creates an image decoder that uses the `sharp` npm package.
 *
 * - The image is rotated according to its EXIF orientation, converted to sRGB, and stretched to the requested shape with sharp's default
 *   kernel (Lanczos with three lobes).
 * - Images are converted to grayscale with the BT.601 weights, as in Keras. Transparent pixels become black.
 * - A truncated file causes an error.
 *
 * @throws A `missing-package` error if sharp is not installed.
 * @example
 * ```ts
 * import { readdir, readFile } from 'node:fs/promises';
 * import { sharpDecoder } from 'tfjs-multitask/node';
 *
 * const decode = await sharpDecoder();
 * const [name] = await readdir('faces');
 * const face = await decode(await readFile(`faces/${name}`), [64, 64, 3]);
 * console.log(face.data.length); // 12288
 * ```
 * @category Data
 */
export async function sharpDecoder(): Promise<Decoder> {
  const module = await loadPackage<{ default: Sharp }>('sharp', 'decoding images');
  const sharp = module.default;
  return async (encoded, [height, width, channels]) => {
    const image = sharp(encoded, { failOn: 'truncated' })
      .rotate()
      .flatten()
      .toColourspace('srgb')
      .resize(width, height, { fit: 'fill' });
    const raw = await image.raw().toBuffer();
    const rgb = new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
    return { data: channels === 1 ? toGrayscaleBytes(rgb, 3) : rgb, height, width, channels };
  };
}
