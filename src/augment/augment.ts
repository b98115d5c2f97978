import { fault } from '../core/errors.js';
import type { ImageBytes, ImageShape, Pixels } from '../core/images.js';
import type { Json } from '../core/json.js';
import type { Rng } from '../core/rng.js';
import { type AffinePlan, affineOf, type Fill, warp } from './affine.js';
import type { AugmentationPart, Drawn } from './part.js';

/**
 * How {@link augment} samples.
 *
 * @category Augment
 */
export interface AugmentationOptions {
  /** What comes in from outside the image: the nearest pixel (default), a mirror image, its repetition, or `value`. */
  readonly fill?: Fill;
  /** For `fill: 'constant'`, 0..255. Default 0. */
  readonly value?: number;
  /** `keras` repeats the misplaced centre of Keras's generators on images that are not square. Default: the true centre. */
  readonly compat?: 'keras';
}

/**
 * The drawn numbers of one image's change.
 *
 * @category Augment
 */
export interface Plan {
  /** What moves pixels, in one warp. */
  readonly affine: AffinePlan;
  /** Mirrored after the warp. */
  readonly flips: {
    /** Left and right exchanged. */
    readonly horizontal: boolean;
    /** Top and bottom exchanged. */
    readonly vertical: boolean;
  };
  /** One entry for every part that changes values, in the order given. */
  readonly values: readonly Drawn[];
}

/**
 * Draws plans and applies them.
 *
 * @category Augment
 */
export interface Augmentation {
  /** Draws the numbers of one image's change; `shape` in pixels. */
  draw(random: Rng, shape: ImageShape): Plan & Json;
  /** A pure function of bytes and numbers: the same on every engine and machine. Values stay within 0..255. */
  apply(image: ImageBytes, plan: Json): Pixels;
  /** What it does, for checkpoints: another description is another run. */
  readonly description: Json;
}

const STILL: AffinePlan = {
  rotation: 0,
  shiftColumns: 0,
  shiftRows: 0,
  shear: 0,
  zoomColumns: 1,
  zoomRows: 1,
};

/**
 * Random changes of images, as plans: all that moves pixels in one bilinear warp, then flips, then what changes values in
 * the order given. The warp is pixel for pixel that of Keras's `ImageDataGenerator`. An image whose plan moves nothing is
 * not resampled.
 *
 * @throws `argument` fault for a part given twice, or a number out of its range.
 * @example
 * ```ts
 * import { augment, horizontalFlip, rng, rotation, zoom } from 'tfjs-multitask';
 *
 * const look = augment([rotation({ degrees: 20 }), zoom({ range: 0.1 }), horizontalFlip()]);
 * const image = { data: new Uint8Array(8 * 8 * 3).fill(90), height: 8, width: 8, channels: 3 };
 * const plan = look.draw(rng(7, 'plan'), [8, 8, 3]);
 * console.log(look.apply(image, plan).data[0]); // 90
 * ```
 * @category Augment
 */
export function augment(
  parts: readonly AugmentationPart[],
  { fill = 'nearest', value = 0, compat }: AugmentationOptions = {},
): Augmentation {
  parts.forEach(({ name }, i) => {
    if (parts.findIndex((other) => other.name === name) === i) return;
    throw fault({
      kind: 'argument',
      path: `augment.${name}`,
      expected: 'each part once',
      received: 'it twice',
      advice: 'Give one part with the wider range.',
    });
  });
  const valueParts = parts.filter((part) => part.kind === 'value');
  const sampling = { fill, value, kerasCentre: compat === 'keras' };
  return {
    description: {
      parts: parts.map(({ name, options }) => [name, options as Json]),
      fill,
      value,
      compat: compat ?? null,
    },
    draw: (random, shape) => {
      let affine = STILL;
      const flips = { horizontal: false, vertical: false };
      const values: Drawn[] = [];
      for (const part of parts) {
        if (part.kind === 'affine') affine = { ...affine, ...part.draw(random, shape) };
        else if (part.kind === 'flip') flips[part.axis] = part.draw(random);
        else values.push(part.draw(random, shape));
      }
      return { affine: { ...affine }, flips, values };
    },
    apply: (image, json) => {
      const { affine, flips, values } = json as unknown as Plan;
      const { height, width, channels } = image;
      const still = Object.entries(STILL).every(([name, none]) => affine[name as keyof AffinePlan] === none);
      const pixels = still
        ? { ...image, data: Float32Array.from(image.data) }
        : warp(image, affineOf(affine, [height, width, channels], sampling.kerasCentre), sampling);
      if (flips.horizontal) mirrorColumns(pixels);
      if (flips.vertical) mirrorRows(pixels);
      for (const [i, part] of valueParts.entries()) part.apply(pixels, values[i]!);
      if (valueParts.length > 0) clamp(pixels.data);
      return pixels;
    },
  };
}

function mirrorColumns({ data, height, width, channels }: Pixels): void {
  for (let r = 0; r < height; r++) {
    for (let left = 0, right = width - 1; left < right; left++, right--) {
      for (let c = 0; c < channels; c++) {
        const [i, j] = [(r * width + left) * channels + c, (r * width + right) * channels + c];
        const kept = data[i]!;
        data[i] = data[j]!;
        data[j] = kept;
      }
    }
  }
}

function mirrorRows({ data, height, width, channels }: Pixels): void {
  const length = width * channels;
  for (let top = 0, bottom = height - 1; top < bottom; top++, bottom--) {
    const kept = data.slice(top * length, (top + 1) * length);
    data.copyWithin(top * length, bottom * length, (bottom + 1) * length);
    data.set(kept, bottom * length);
  }
}

function clamp(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) data[i] = Math.min(255, Math.max(0, data[i]!));
}
