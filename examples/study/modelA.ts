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
import type { Hyperparameters } from './hyperparameters.js';

/** Options of {@link modelA}. */
export interface ModelAOptions extends Partial<Hyperparameters> {
  /** Seed for weight initialization. Default 0. */
  readonly seed?: number;
  /** Tasks whose branches receive the image in grayscale. Default none. */
  readonly grayscale?: readonly ('age' | 'gender')[];
}

/**
 * Creates the network of `examples/model-a.ts` with options for the search, the grayscale ablation and the tests.
 *
 * @param size - Height and width of the RGB images in pixels, at least 56.
 */
export const modelA = (
  size: number,
  {
    seed = 0,
    grayscale = [],
    dropout: dropoutRate = 0.3,
    l2 = 1e-3,
    ageFilters = 128,
    genderFilters = 64,
  }: ModelAOptions = {},
) => {
  const createBranch = (task: 'age' | 'gender', filters: number) =>
    branch(
      [
        ...[conv(64, 3), maxPool(2), batchNorm()],
        ...[conv(128, 2), maxPool(2), batchNorm()],
        ...[conv(filters, 2), flatten()],
        ...[dense(128, { l2 }), dropout(dropoutRate), dense(16, { l2 }), dropout(dropoutRate)],
      ],
      grayscale.includes(task) ? { inputView: grayscaleImage() } : {},
    );
  return multiTask({ input: [size, size, 3], seed })
    .trunk(sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]))
    .task('age', regression({ unit: 'years' }), createBranch('age', ageFilters))
    .task('gender', binary(['male', 'female']), createBranch('gender', genderFilters))
    .build();
};
