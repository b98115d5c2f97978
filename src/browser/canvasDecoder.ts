import { toGrayscaleBytes } from '../core/images.js';
import type { Decoder } from '../core/platform/platform.js';

/**
 * Creates an image decoder that uses a browser canvas. The decoder also works in a web worker.
 *
 * - The image is rotated according to its EXIF orientation, converted to sRGB, and stretched to the requested shape.
 * - Transparent pixels become black.
 * - Browsers resize images differently, so pixel values differ from those of `sharpDecoder` by a few levels out of 255.
 * - Some browsers reject a truncated file. Others return an image whose lower part is gray.
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
  for (let source = 0, target = 0; source < rgba.length; source += 4) {
    rgb[target++] = rgba[source]!;
    rgb[target++] = rgba[source + 1]!;
    rgb[target++] = rgba[source + 2]!;
  }
  return rgb;
}
