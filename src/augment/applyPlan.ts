import type { ImageBytes, Pixels } from '../core/images.js';
import { type AffinePlan, computeAffineMatrix, type WarpOptions, warp } from './affine.js';
import type { PixelTransform } from './transform.js';

/** Random parameters of all transforms, drawn for one image. */
export interface AugmentationPlan {
  /** Parameters of the affine warp, which combines all affine transforms. */
  readonly affine: AffinePlan;
  /** Flips that are applied after the warp. */
  readonly flips: {
    /** Whether to mirror the image horizontally, which swaps left and right. */
    readonly horizontal: boolean;
    /** Whether to mirror the image vertically, which swaps top and bottom. */
    readonly vertical: boolean;
  };
  /** Parameters of each pixel transform, in the order in which the transforms are applied. */
  readonly values: readonly { readonly [parameter: string]: number }[];
}

/** Affine parameters that leave the image unchanged. */
export const IDENTITY_AFFINE: AffinePlan = {
  rotation: 0,
  shiftColumns: 0,
  shiftRows: 0,
  shear: 0,
  zoomColumns: 1,
  zoomRows: 1,
};

/** Augmentation in executable form: the sampling options and the pixel transforms. */
export interface ResolvedAugmentation {
  readonly sampling: WarpOptions;
  /** Pixel transforms, in the order of the plan's `values`. */
  readonly pixelTransforms: readonly PixelTransform[];
}

/**
 * Augments `image` with the random parameters of a plan and writes the pixels to `output`, which must have the same length as the image.
 * Values are clipped to 0..255.
 */
export function applyPlan(
  image: ImageBytes,
  { affine, flips, values }: AugmentationPlan,
  { sampling, pixelTransforms }: ResolvedAugmentation,
  output: Float32Array,
): Pixels {
  const { height, width, channels } = image;
  const isIdentity = Object.entries(IDENTITY_AFFINE).every(
    ([name, value]) => affine[name as keyof AffinePlan] === value,
  );
  if (isIdentity) {
    output.set(image.data);
  } else {
    const matrix = computeAffineMatrix(affine, [height, width, channels], sampling.kerasCenter);
    warp(image, matrix, sampling, output);
  }
  const pixels = { data: output, height, width, channels };
  if (flips.horizontal) mirrorColumns(pixels);
  if (flips.vertical) mirrorRows(pixels);
  for (const [i, transform] of pixelTransforms.entries()) transform.apply(pixels, values[i]!);
  if (pixelTransforms.length > 0) clip(output);
  return pixels;
}

function mirrorColumns({ data, height, width, channels }: Pixels): void {
  const line = width * channels;
  for (let start = 0; start < height * line; start += line) {
    for (let i = start, j = start + line - channels; i < j; i += channels, j -= channels) {
      for (let c = 0; c < channels; c++) {
        const value = data[i + c]!;
        data[i + c] = data[j + c]!;
        data[j + c] = value;
      }
    }
  }
}

function mirrorRows({ data, height, width, channels }: Pixels): void {
  const line = width * channels;
  for (let top = 0, bottom = height - 1; top < bottom; top++, bottom--) {
    const topRow = data.slice(top * line, (top + 1) * line);
    data.copyWithin(top * line, bottom * line, (bottom + 1) * line);
    data.set(topRow, bottom * line);
  }
}

function clip(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) data[i] = Math.min(255, Math.max(0, data[i]!));
}
