import {
  batchNorm,
  binary,
  branch,
  conv,
  dense,
  dropout,
  flatten,
  greyImage,
  maxPool,
  multiTask,
  regression,
  sharedTrunk,
} from 'tfjs-multitask';

const head = () => [dense(128, { l2: 1e-3 }), dropout(0.3), dense(16, { l2: 1e-3 }), dropout(0.3)];

/** What age and gender each have for themselves; the search chose the filters of the last convolution. */
const faceBranch = (filters: number, grey: boolean) =>
  branch(
    [
      ...[conv(64, 3), maxPool(2), batchNorm()],
      ...[conv(128, 2), maxPool(2), batchNorm()],
      ...[conv(filters, 2), flatten(), ...head()],
    ],
    grey ? { sees: greyImage() } : {},
  );

/**
 * Model A for square colour images of `size` pixels, 56 or more; `seed` names its first weights. The branches in `grey` see
 * the images in grey.
 */
export const modelA = (size: number, seed = 0, grey: readonly ('age' | 'gender')[] = []) =>
  multiTask({ input: [size, size, 3], seed })
    .trunk(sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]))
    .task('age', regression({ unit: 'years' }), faceBranch(128, grey.includes('age')))
    .task('gender', binary(['male', 'female']), faceBranch(64, grey.includes('gender')))
    .build();
