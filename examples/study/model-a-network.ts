import {
  batchNorm,
  binary,
  branch,
  conv,
  dense,
  dropout,
  flatten,
  grayscaleImage,
  maxPool,
  multiTask,
  regression,
  sharedTrunk,
} from 'tfjs-multitask';

/** What a search chooses. */
export interface Chosen {
  /** Rate of every dropout. */
  readonly dropout?: number;
  /** Factor of L2 on the kernels of the dense layers before the last. */
  readonly l2?: number;
  /** Of the last convolution of each branch. */
  readonly ageFilters?: number;
  readonly genderFilters?: number;
}

/** Which Model A. */
export interface ModelAOptions extends Chosen {
  /** Names its first weights. */
  readonly seed?: number;
  /** The branches that see the images in grey. */
  readonly grey?: readonly ('age' | 'gender')[];
}

interface BranchOptions {
  readonly filters: number;
  readonly grey: boolean;
  readonly rate: number;
  readonly l2: number;
}

/** What age and gender each have for themselves. */
const faceBranch = ({ filters, grey, rate, l2 }: BranchOptions) =>
  branch(
    [
      ...[conv(64, 3), maxPool(2), batchNorm()],
      ...[conv(128, 2), maxPool(2), batchNorm()],
      ...[conv(filters, 2), flatten()],
      ...[dense(128, { l2 }), dropout(rate), dense(16, { l2 }), dropout(rate)],
    ],
    grey ? { inputView: grayscaleImage() } : {},
  );

/** Model A for square colour images of `size` pixels, 56 or more. */
export const modelA = (
  size: number,
  {
    seed = 0,
    grey = [],
    dropout: rate = 0.3,
    l2 = 1e-3,
    ageFilters = 128,
    genderFilters = 64,
  }: ModelAOptions = {},
) =>
  multiTask({ input: [size, size, 3], seed })
    .trunk(sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]))
    .task(
      'age',
      regression({ unit: 'years' }),
      faceBranch({ filters: ageFilters, grey: grey.includes('age'), rate, l2 }),
    )
    .task(
      'gender',
      binary(['male', 'female']),
      faceBranch({ filters: genderFilters, grey: grey.includes('gender'), rate, l2 }),
    )
    .build();
