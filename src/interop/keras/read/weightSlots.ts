import { createFileError } from '../../../core/errors/errors.js';
import { getOwnValue } from '../../../core/lookup.js';
import type { StoredWeight } from '../file/weightFiles.js';
import type { KerasLayer } from './structure/modelStructure.js';

/** Name and shape of a weight that a layer expects in the file. */
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

/** Returns the names that a weight can have in a Keras file. `slot` is its name in TensorFlow.js. */
export const getStoredNames = (slot: string): readonly string[] => [
  slot,
  ...(getOwnValue(WEIGHT_ALIASES, slot) ?? []),
];

/** Creates a `file` error for weights that do not match the model. */
export const createWeightError = (path: string, expected: string, received: string) =>
  createFileError(path, expected, received, 'Pass the weights file of this model.');

/**
 * Returns a noun phrase for error messages about the weights that a layer expects, for example `2 weights for layer conv1 (kernel,
 * bias)`.
 */
export const describeSlots = ({ name }: KerasLayer, slots: readonly WeightSlot[]) =>
  `${slots.length} ${slots.length === 1 ? 'weight' : 'weights'} for layer ${name} (${slots.map((slot) => slot.name).join(', ')})`;

/**
 * Sorts the stored weights of one layer into the order that the layer expects. Weights are matched by the last segment of their names, or
 * by order if no name matches.
 */
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
    describeSlots(layer, slots),
    storedWeights.length === 0
      ? 'no weights'
      : `the weights ${storedWeights.map(({ name }) => name).join(', ')}`,
  );
}

/** Returns the name of a weight without the names of its layer and of the models that enclose the layer. */
export const getLastSegment = ({ name }: StoredWeight): string => name.slice(name.lastIndexOf('/') + 1);
