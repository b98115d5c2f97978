import type { ImageBytes, Pixels } from '../core/images.js';
import { type AffinePlan, computeAffineMatrix, type WarpOptions, warp } from './affine.js';
import type { PixelTransform, PlanValues } from './transform.js';

/**
 * The drawn numbers of one image's change.
 *
 * @category Augment
 */
export interface AugmentationPlan {
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
  readonly values: readonly PlanValues[];
}

/** The plan that moves nothing. */
export const IDENTITY_AFFINE: AffinePlan = {
  rotation: 0,
  shiftColumns: 0,
  shiftRows: 0,
  shear: 0,
  zoomColumns: 1,
  zoomRows: 1,
};

/** What a plan leaves open: how to sample, and what the drawn values mean. */
export interface ResolvedAugmentation {
  readonly sampling: WarpOptions;
  /** In the order of the plan's `values`. */
  readonly pixelTransforms: readonly PixelTransform[];
}

/** Writes `image`, changed as `plan` says, into `to`, which is as long: values stay within 0..255. */
export function applyPlan(
  image: ImageBytes,
  { affine, flips, values }: AugmentationPlan,
  changes: ResolvedAugmentation,
  to: Float32Array,
): Pixels {
  const { height, width, channels } = image;
  const { sampling } = changes;
  const still = Object.entries(IDENTITY_AFFINE).every(
    ([name, none]) => affine[name as keyof AffinePlan] === none,
  );
  if (still) to.set(image.data);
  else
    warp(image, computeAffineMatrix(affine, [height, width, channels], sampling.kerasCentre), sampling, to);
  const pixels = { data: to, height, width, channels };
  if (flips.horizontal) mirrorColumns(pixels);
  if (flips.vertical) mirrorRows(pixels);
  for (const [i, part] of changes.pixelTransforms.entries()) part.apply(pixels, values[i]!);
  if (changes.pixelTransforms.length > 0) clamp(to);
  return pixels;
}

function mirrorColumns({ data, height, width, channels }: Pixels): void {
  const line = width * channels;
  for (let start = 0; start < height * line; start += line) {
    for (
      let left = start, right = start + line - channels;
      left < right;
      left += channels, right -= channels
    ) {
      for (let c = 0; c < channels; c++) {
        const kept = data[left + c]!;
        data[left + c] = data[right + c]!;
        data[right + c] = kept;
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
