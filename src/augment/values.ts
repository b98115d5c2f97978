import type { Pixels } from '../core/images.js';
import { within } from './geometry.js';
import type { ValuePart } from './part.js';

/** Rec. 601 luma, as Pillow and TensorFlow weigh red, green and blue. */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * Multiplies every value by a factor drawn from `1 - range` to `1 + range`, as Pillow's brightness enhancer, which Keras uses.
 *
 * @category Augment
 */
export function brightness({ range }: { readonly range: number }): ValuePart {
  return scaling('brightness', range, (pixels, factor) => blend(pixels, factor, () => 0));
}

/**
 * Moves every value away from the image's mean luma, or toward it, by a factor drawn from `1 - range` to `1 + range`.
 *
 * @category Augment
 */
export function contrast({ range }: { readonly range: number }): ValuePart {
  return scaling('contrast', range, (pixels, factor) => {
    let sum = 0;
    for (let i = 0; i < pixels.data.length; i += pixels.channels) sum += lumaAt(pixels, i);
    const mean = (sum * pixels.channels) / pixels.data.length;
    blend(pixels, factor, () => mean);
  });
}

/**
 * Moves every pixel away from its own grey, or toward it, by a factor drawn from `1 - range` to `1 + range`.
 *
 * @category Augment
 */
export function saturation({ range }: { readonly range: number }): ValuePart {
  return scaling('saturation', range, (pixels, factor) => blend(pixels, factor, (i) => lumaAt(pixels, i)));
}

/**
 * Takes the colour out of a share of the images. Default a tenth of them.
 *
 * @category Augment
 */
export function greyscale({ probability = 0.1 }: { readonly probability?: number } = {}): ValuePart {
  within('greyscale.probability', probability, 0, 1);
  return {
    kind: 'value',
    name: 'greyscale',
    options: { probability },
    draw: (random) => ({ grey: random.next() < probability ? 1 : 0 }),
    apply: (pixels, { grey }) => {
      if (grey === 1) blend(pixels, 0, (i) => lumaAt(pixels, i));
    },
  };
}

/**
 * Paints one square of mid-grey over the image, its side a share of the shorter side, its centre anywhere
 * (T. DeVries and G. Taylor 2017). Default side 0.25.
 *
 * @category Augment
 */
export function cutout({ side = 0.25 }: { readonly side?: number } = {}): ValuePart {
  within('cutout.side', side, 0, 1);
  return {
    kind: 'value',
    name: 'cutout',
    options: { side },
    draw: (random, [height, width]) => ({ row: random.below(height), column: random.below(width) }),
    apply: ({ data, height, width, channels }, { row = 0, column = 0 }) => {
      const half = (side * Math.min(height, width)) / 2;
      const left = Math.max(0, Math.round(column - half));
      const right = Math.min(width, Math.round(column + half));
      for (let r = Math.max(0, Math.round(row - half)); r < Math.min(height, Math.round(row + half)); r++) {
        if (right > left) data.fill(128, (r * width + left) * channels, (r * width + right) * channels);
      }
    },
  };
}

function scaling(name: string, range: number, change: (pixels: Pixels, factor: number) => void): ValuePart {
  within(`${name}.range`, range, 0, 1);
  return {
    kind: 'value',
    name,
    options: { range },
    draw: (random) => ({ factor: random.uniform(1 - range, 1 + range) }),
    apply: (pixels, { factor = 1 }) => change(pixels, factor),
  };
}

/** `value = origin + factor (value - origin)` for every pixel. */
function blend({ data, channels }: Pixels, factor: number, originAt: (index: number) => number): void {
  for (let i = 0; i < data.length; i += channels) {
    const origin = originAt(i);
    for (let c = i; c < i + channels; c++) data[c] = origin + factor * (data[c]! - origin);
  }
}

function lumaAt({ data, channels }: Pixels, index: number): number {
  if (channels < 3) return data[index]!;
  return LUMA[0] * data[index]! + LUMA[1] * data[index + 1]! + LUMA[2] * data[index + 2]!;
}
