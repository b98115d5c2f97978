/** Hyperparameters of Model A that `npm run tune` searches. */
export interface Hyperparameters {
  /** Rate of every dropout layer, from 0 to below 1. */
  readonly dropout: number;
  /** Factor of the L2 penalty on the kernels of the hidden dense layers. */
  readonly l2: number;
  /** Filters of the last convolution in the age branch. */
  readonly ageFilters: number;
  /** Filters of the last convolution in the gender branch. */
  readonly genderFilters: number;
}

/** Returns the command that trains Model A with these hyperparameters. */
export const formatTrainingCommand = ({ dropout, l2, ageFilters, genderFilters }: Hyperparameters): string =>
  `npm run model-a -- --dropout ${dropout} --l2 ${l2} --age-filters ${ageFilters} --gender-filters ${genderFilters}`;
