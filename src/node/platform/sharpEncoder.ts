import * as checks from '../../core/errors/checks.js';
import type { Encoder } from '../../core/platform/platform.js';
import { loadPackage } from './loadPackage.js';

/**
 * Options for {@link sharpEncoder}.
 *
 * @category Data
 */
export interface SharpEncoderOptions {
  /** Maximum length of the longer side of the image, in pixels. Default: 96. */
  readonly maxSide?: number;
}

/**
 * Creates an encoder that uses the `sharp` npm package to produce small JPEG files for reports.
 *
 * @throws A `missing-package` error if sharp is not installed.
 * @example
 * ```ts
 * import { sharpEncoder } from 'tfjs-multitask/node';
 *
 * const encode = await sharpEncoder();
 * const jpeg = await encode({ data: new Uint8Array(8 * 8 * 3), height: 8, width: 8, channels: 3 });
 * console.log(jpeg[0] === 0xff && jpeg[1] === 0xd8); // true
 * ```
 * @category Data
 */
export async function sharpEncoder(options: SharpEncoderOptions = {}): Promise<Encoder> {
  checks.options('sharpEncoder', options, { maxSide: true });
  const { maxSide = 96 } = options;
  checks.integer('sharpEncoder.maxSide', maxSide, { min: 1, defaultValue: 96 });
  const { default: sharp } = await loadPackage<{ default: typeof import('sharp').default }>(
    'sharp',
    'writing images',
  );
  return async ({ data, height, width, channels }) => {
    const raw = { height, width, channels: channels as 1 | 3 };
    const size = { width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true } as const;
    return new Uint8Array(await sharp(data, { raw }).resize(size).jpeg({ quality: 80 }).toBuffer());
  };
}
