import { toGrayscaleBytes } from '../../core/images.js';
import type { Decoder } from '../../core/platform/platform.js';
import { loadPackage } from './loadPackage.js';

type Sharp = typeof import('sharp').default;

/**
 * Decodes with sharp: turned as its EXIF tag says, in sRGB, grey as Keras's (BT.601), without transparency (on black), stretched to the shape asked
 * for (sharp's default kernel, Lanczos with three lobes). A file that ends early is an error, not a grey half.
 *
 * @throws `missing-package` fault when sharp is not installed.
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
    const colour = new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
    return { data: channels === 1 ? toGrayscaleBytes(colour, 3) : colour, height, width, channels };
  };
}
