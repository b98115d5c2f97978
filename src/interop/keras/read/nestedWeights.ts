import { addToGroup } from '../../../core/arrays.js';
import type { StoredWeight } from '../file/weightFiles.js';
import type { KerasLayer } from './structure/modelStructure.js';
import { createWeightError, getLastSegment, getStoredNames, type WeightSlot } from './weightSlots.js';

/** A weight that a layer in a nested model expects in the file. */
interface NestedSlot extends WeightSlot {
  readonly layer: KerasLayer;
  /** Names of the models that enclose the layer, from the outermost to the innermost. */
  readonly modelPath: readonly string[];
}

type GetWeightSlots = (layer: KerasLayer) => readonly WeightSlot[];

/** Names of the weights that Keras counts as not trainable. Keras lists them after all other weights of a model. */
const STATISTICS = ['moving_mean', 'moving_variance', 'mean', 'variance', 'count'];

/**
 * Assigns the stored weights of a nested model, which are in one group of a legacy file, to its layers.
 *
 * - By name: the name of a weight is preceded by the name of its layer, and possibly by names of models. All of these names may contain
 *   slashes.
 * - By order, as Keras does, if a name is missing: Keras does not rename the weights of a layer that is renamed later. Counts, shapes and
 *   names of the weights within their layers must agree.
 *
 * @param root - Name of the outermost model.
 * @param outer - The nested model.
 * @param groupPath - Path of the group, for errors.
 * @returns The weights of each layer that has weights, in the order of its slots.
 * @throws A `file` error that names the first weight that is missing, or a weight that belongs to no layer.
 */
export function matchNestedWeights(
  root: string,
  outer: KerasLayer,
  getWeightSlots: GetWeightSlots,
  storedWeights: readonly StoredWeight[],
  groupPath: string,
): Map<KerasLayer, StoredWeight[]> {
  const slots = listSlots(outer, getWeightSlots, [root]);
  const namedWeights = findByName(slots, storedWeights);
  const isComplete = namedWeights.every(Boolean) && namedWeights.length === storedWeights.length;
  const weights = isComplete ? namedWeights : matchByOrder(outer, slots, storedWeights, namedWeights);
  if (!weights) throw createMismatchError(outer, slots, storedWeights, namedWeights, groupPath);
  const weightsByLayer = new Map<KerasLayer, StoredWeight[]>();
  slots.forEach(({ layer }, i) => {
    addToGroup(weightsByLayer, layer, weights[i]!);
  });
  return weightsByLayer;
}

/** Lists the weights that a layer expects in the file. For a nested model, lists the weights of all its layers. */
function listSlots(
  layer: KerasLayer,
  getWeightSlots: GetWeightSlots,
  modelPath: readonly string[],
): NestedSlot[] {
  return layer.model
    ? layer.model.layers.flatMap((inner) => listSlots(inner, getWeightSlots, [...modelPath, layer.name]))
    : getWeightSlots(layer).map((slot) => ({ ...slot, layer, modelPath }));
}

/** A stored weight whose name could belong to a given slot. */
interface Candidate {
  readonly weight: StoredWeight;
  /** Number of enclosing models whose names are part of the weight's name. */
  readonly modelCount: number;
}

/**
 * Finds the stored weight for each slot by name. The result for a slot is undefined if no weight or several weights match.
 *
 * `a/conv/kernel` may be the kernel of the layer `a/conv`, or of the layer `conv` in the model `a`. Therefore slots with a single candidate
 * are assigned before all other slots.
 */
function findByName(
  slots: readonly NestedSlot[],
  storedWeights: readonly StoredWeight[],
): (StoredWeight | undefined)[] {
  const weightsBySuffix = indexBySuffix(storedWeights);
  const candidates = slots.map(({ name, layer, modelPath }) =>
    getStoredNames(name).flatMap((storedName): Candidate[] => {
      const fullName = `${layer.name}/${storedName}`;
      return (weightsBySuffix.get(fullName) ?? []).flatMap((weight) => {
        const modelCount = countModels(weight.name.slice(0, -fullName.length), modelPath);
        return modelCount === undefined ? [] : [{ weight, modelCount }];
      });
    }),
  );
  const unusedWeights = new Set(storedWeights);
  const found = candidates.map(([only, ...others]) =>
    only && others.length === 0 && unusedWeights.delete(only.weight) ? only.weight : undefined,
  );
  return found.map((weight, i) => {
    if (weight) return weight;
    const [best, second] = candidates[i]!.filter((candidate) => unusedWeights.has(candidate.weight)).sort(
      (a, b) => b.modelCount - a.modelCount,
    );
    const isUnique = best && best.modelCount !== second?.modelCount;
    return isUnique && unusedWeights.delete(best.weight) ? best.weight : undefined;
  });
}

/**
 * Indexes weights by the last segments of their names. Each key is a sequence of segments, and its value lists the weights whose names end
 * with this sequence.
 */
function indexBySuffix(storedWeights: readonly StoredWeight[]): Map<string, StoredWeight[]> {
  const index = new Map<string, StoredWeight[]>();
  for (const weight of storedWeights) {
    for (let at = 0; at >= 0; at = weight.name.indexOf('/', at) + 1 || -1) {
      addToGroup(index, weight.name.slice(at), weight);
    }
  }
  return index;
}

/**
 * Returns the number of model names in `prefix`, or undefined if `prefix` contains anything other than model names. Weight names in Keras
 * include sequential models, but not functional models.
 *
 * @param prefix - Part of a weight's name before the name of its layer: empty, or with a slash at the end.
 * @param modelPath - Names of the models that enclose the layer, from the outermost to the innermost.
 */
function countModels(prefix: string, modelPath: readonly string[]): number | undefined {
  // Number of models in the beginning of the prefix, keyed by the length of the beginning.
  const counts = new Map([[0, 0]]);
  for (const model of modelPath) {
    for (const [length, count] of [...counts]) {
      const end = length + model.length + 1;
      if (prefix.startsWith(`${model}/`, length)) counts.set(end, Math.max(counts.get(end) ?? 0, count + 1));
    }
  }
  return counts.get(prefix.length);
}

/** Assigns weights to slots by order. Returns undefined if counts, shapes or names of the weights do not agree. */
function matchByOrder(
  outer: KerasLayer,
  slots: readonly NestedSlot[],
  storedWeights: readonly StoredWeight[],
  namedWeights: readonly (StoredWeight | undefined)[],
): StoredWeight[] | undefined {
  if (slots.length !== storedWeights.length) return undefined;
  const positions = new Map(sortInKerasOrder(outer, slots).map((slot, i) => [slot, i] as const));
  const weights = slots.map((slot) => storedWeights[positions.get(slot)!]!);
  const agrees = slots.every(({ name, shape }, i) => {
    const weight = weights[i]!;
    const isNamedOtherwise = namedWeights[i] !== undefined && namedWeights[i] !== weight;
    return (
      !isNamedOtherwise &&
      getStoredNames(name).includes(getLastSegment(weight)) &&
      weight.array.shape.join() === shape.join()
    );
  });
  return agrees ? weights : undefined;
}

/**
 * Sorts the slots into the order in which Keras lists the weights of a model: first the trainable weights of all layers, then all other
 * weights.
 */
function sortInKerasOrder(outer: KerasLayer, slots: readonly NestedSlot[]): NestedSlot[] {
  const slotsByLayer = new Map<KerasLayer, NestedSlot[]>();
  for (const slot of slots) addToGroup(slotsByLayer, slot.layer, slot);
  const visit = (layer: KerasLayer): { trainable: NestedSlot[]; fixed: NestedSlot[] } => {
    const layerSlots = slotsByLayer.get(layer) ?? [];
    const parts = layer.model
      ? layer.model.layers.map(visit)
      : [
          {
            trainable: layerSlots.filter(({ name }) => !STATISTICS.includes(name)),
            fixed: layerSlots.filter(({ name }) => STATISTICS.includes(name)),
          },
        ];
    const trainable = parts.flatMap((part) => part.trainable);
    const fixed = parts.flatMap((part) => part.fixed);
    const isTrainable = layer.trainable && (layer.model?.trainable ?? true);
    return isTrainable ? { trainable, fixed } : { trainable: [], fixed: [...trainable, ...fixed] };
  };
  const { trainable, fixed } = visit(outer);
  return [...trainable, ...fixed];
}

function createMismatchError(
  outer: KerasLayer,
  slots: readonly NestedSlot[],
  storedWeights: readonly StoredWeight[],
  namedWeights: readonly (StoredWeight | undefined)[],
  groupPath: string,
): Error {
  const missing = slots.find((_, i) => !namedWeights[i]);
  if (missing) {
    return createWeightError(
      groupPath,
      `the weight ${missing.name} of layer ${missing.layer.name}`,
      'no weight with that name',
    );
  }
  const unusedWeight = storedWeights.find((weight) => !namedWeights.includes(weight))!;
  return createWeightError(
    unusedWeight.path,
    `a weight of a layer in the nested model ${outer.name}`,
    'a weight of a layer that the nested model does not have',
  );
}
