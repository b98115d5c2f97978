import { toGrayscaleBytes } from '../core/images.js';
import type { Decoder } from '../core/platform/platform.js';

/**
 * Decodes with the page: turned as its EXIF tag says, in sRGB, on black where it is transparent, stretched to the shape
 * asked for. Runs in a worker as well. Browsers resize each in their own way: pixels differ from sharp's by a few
 * levels, and a file that ends early is refused by some and half grey in others.
 *
 * @example
 * ```ts
 * import { canvasDecoder } from 'tfjs-multitask/browser';
 *
 * const decode = canvasDecoder();
 * const file = await (await fetch('face.jpg')).arrayBuffer();
 * const face = await decode(new Uint8Array(file), [64, 64, 3]);
 * console.log(face.data.length); // 12288
 * ```
 * @category Data
 */
export function canvasDecoder(): Decoder {
  return async (encoded, [height, width, channels]) => {
    const bitmap = await createImageBitmap(new Blob([encoded as Uint8Array<ArrayBuffer>]), {
      resizeWidth: width,
      resizeHeight: height,
      resizeQuality: 'high',
      imageOrientation: 'from-image',
    });
    const context = new OffscreenCanvas(width, height).getContext('2d', { alpha: false })!;
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    const rgba = context.getImageData(0, 0, width, height).data;
    return { data: channels === 1 ? toGrayscaleBytes(rgba, 4) : toRgb(rgba), height, width, channels };
  };
}

function toRgb(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from]!;
    rgb[to++] = rgba[from + 1]!;
    rgb[to++] = rgba[from + 2]!;
  }
  return rgb;
}
