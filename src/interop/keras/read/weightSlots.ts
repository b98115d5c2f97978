import { createFileError } from '../../../core/errors/errors.js';
import type { StoredWeight } from '../file/weightFiles.js';
import type { KerasLayer } from './modelStructure.js';

/** Weight that a layer needs. */
export interface WeightSlot {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Alternative weight names in Keras, keyed by TensorFlow.js name. */
const WEIGHT_ALIASES: { readonly [slot: string]: readonly string[] } = {
  depthwise_kernel: ['kernel'],
  moving_mean: ['running_mean'],
  moving_variance: ['running_std'],
};

/** Returns the names that Keras gives to a weight. */
export const getStoredNames = (slot: string): readonly string[] => [slot, ...(WEIGHT_ALIASES[slot] ?? [])];

/** Creates a `file` error for weights that do not match the model. */
export const createWeightError = (path: string, expected: string, received: string) =>
  createFileError(path, expected, received, 'Pass the weights file of this model.');

/** Assigns the stored weights of one layer to its slots: by the last segment of their names, or else by order. */
export function matchLayerWeights(
  layer: KerasLayer,
  slots: readonly WeightSlot[],
  storedWeights: readonly StoredWeight[],
  groupPath: string,
): StoredWeight[] {
  const candidates = slots.map(({ name }) =>
    storedWeights.filter((weight) => getStoredNames(name).includes(getLastSegment(weight))),
  );
  const byName = candidates.every((matches) => matches.length === 1);
  const isUnnamed = candidates.every((matches) => matches.length === 0);
  if (storedWeights.length === slots.length && (byName || isUnnamed)) {
    return byName ? candidates.map(([weight]) => weight!) : [...storedWeights];
  }
  throw createWeightError(
    groupPath,
    `${slots.map(({ name }) => name).join(', ')} of layer ${layer.name}`,
    storedWeights.map(({ name }) => name).join(', ') || 'no weights',
  );
}

/** Returns the name of a weight without the names of its layer and models. */
export const getLastSegment = ({ name }: StoredWeight): string => name.slice(name.lastIndexOf('/') + 1);
