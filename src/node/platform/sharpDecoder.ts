import { type ImageShape, toGrayscaleBytes } from '../../core/images.js';
import type { Decoder } from '../../core/platform/platform.js';
import { createLimitedDecoder, type DecodeLimitOptions } from '../../data/decodeLimit.js';
import type { ImageHeader } from '../../formats/images/imageHeader.js';
import { loadPackage } from './loadPackage.js';

type Sharp = typeof import('sharp').default;

/**
 * Creates an image decoder that uses the `sharp` npm package.
 *
 * - The content of a file determines its format: JPEG, PNG, GIF, WebP, TIFF or AVIF. All other files are errors, for example SVG.
 * - Of a file with several frames or pages, the first is decoded.
 * - The image is rotated according to its EXIF orientation, converted to sRGB, and stretched to the requested shape with sharp's default
 *   kernel (Lanczos with three lobes).
 * - Images are converted to grayscale with the BT.601 weights, as in Keras. Transparent pixels become black.
 * - A file that is truncated, that contains data for fewer pixels than its image has, or that sharp decodes with errors or warnings about
 *   missing pixels, causes an error, and so does an image of more than `maxPixels`. Damaged metadata are ignored. Zeros in the data of
 *   a lossy WebP image cannot be distinguished from pixels.
 * - The images that are decoded at the same time in a process take about 250 MB or less, regardless of their number. Further images
 *   wait. A larger image is decoded alone, which is possible only if you raise `maxPixels`.
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
export async function sharpDecoder(options: DecodeLimitOptions = {}): Promise<Decoder> {
  const module = await loadPackage<{ default: Sharp }>('sharp', 'decoding images');
  const sharp = module.default;
  const decodeFile = async (encoded: Uint8Array, header: ImageHeader, [height, width]: ImageShape) => {
    const { repair } = header;
    const decodeWith = (input: Uint8Array, failOn: 'error' | 'warning') =>
      sharp(input, { failOn, limitInputPixels: header.width * header.height })
        .rotate()
        .flatten()
        .toColourspace('srgb')
        .resize(width, height, { fit: 'fill' })
        .raw()
        .toBuffer()
        .finally(() => clearOperationCache(sharp, header));
    if (!repair) return decodeWith(encoded, 'error');
    // A warning means that pixels are missing, or that the file has an irregularity which does not affect the pixels.
    return decodeWith(encoded, 'warning').catch((error) =>
      decodeWith(repair(), 'warning').catch(() => {
        throw error;
      }),
    );
  };
  const decode = createLimitedDecoder('sharpDecoder', options, decodeFile, { decoderWarns: true });
  return async (encoded, shape) => {
    const [height, width, channels] = shape;
    const raw = await decode(encoded, shape);
    const rgb = new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
    return { data: channels === 1 ? toGrayscaleBytes(rgb, 3) : rgb, height, width, channels };
  };
}

/** Decoded pixels that the cache of libvips may contain before it is cleared. */
const MAX_CACHED_PIXELS = 4_000_000;
let cachedPixels = 0;

/**
 * Clears the cache in which libvips keeps its last operations. It would keep the pixels of the last images, without counting their memory,
 * although an image from a buffer is never found in it. The limits that the program has set stay.
 */
function clearOperationCache(sharp: Sharp, { width, height }: ImageHeader): void {
  cachedPixels += width * height;
  if (cachedPixels < MAX_CACHED_PIXELS) return;
  cachedPixels = 0;
  const { memory, files, items } = sharp.cache();
  sharp.cache(false);
  sharp.cache({ memory: memory.max, files: files.max, items: items.max });
}
