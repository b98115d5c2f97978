import { createFileError } from '../../../core/errors/errors.js';
import type { Hdf5Group } from '../../../formats/hdf5/hdf5Group.js';
import { tf } from '../../../tensor/tf.js';
import { toSnakeCase } from '../file/kerasNames.js';
import type { KerasWeightsFile } from '../file/openKerasFile.js';
import {
  getContainerLayers,
  getContainerName,
  readContainerWeights,
  readLegacyGroups,
  readLegacyWeights,
  type StoredWeight,
  toFiniteNumbers,
} from '../file/weightFiles.js';
import type { ImportedLayer } from './buildLayers.js';
import type { KerasLayer, KerasModel } from './structure/modelStructure.js';

/** Name and shape of a weight that a layer expects in the file. */
interface WeightSlot {
  readonly name: string;
  readonly shape: readonly number[];
}

type ImportedLayers = ReadonlyMap<KerasLayer, ImportedLayer>;

const createWeightError = (path: string, expected: string, received: string) =>
  createFileError(path, expected, received, 'Pass the weights file of this model.');

/**
 * Sets the weights of a built model from a file. Weights are matched by name. They are matched by order only if
 * the names do not match any layer and all counts and shapes agree.
 *
 * @throws A `file` error if a weight is missing, unused, of a different shape, or not finite. The error names the layer and the weight.
 */
export function loadWeights(
  model: KerasModel,
  importedLayers: ImportedLayers,
  { layout, root, path }: KerasWeightsFile,
): void {
  if (layout === 'legacy') loadLegacyWeights(model, importedLayers, readLegacyGroups(root, path), path);
  else loadContainerWeights(model, importedLayers, root, path);
}

/** Returns the weights that a layer expects in the file, in Keras's order. */
function getWeightSlots(layer: KerasLayer, importedLayers: ImportedLayers): readonly WeightSlot[] {
  const { customWeights, layers } = importedLayers.get(layer) ?? { layers: [] };
  if (customWeights) return customWeights.weightSlots;
  return layers.flatMap((stock) =>
    stock.weights.map(({ originalName, shape }) => ({
      name: originalName.split('/').at(-1)!,
      shape: shape as number[],
    })),
  );
}

/** Returns whether a layer, or any layer nested in it, has weights. */
function hasWeights(layer: KerasLayer, importedLayers: ImportedLayers): boolean {
  return layer.model
    ? layer.model.layers.some((inner) => hasWeights(inner, importedLayers))
    : getWeightSlots(layer, importedLayers).length > 0;
}

/** Sets the weights of one layer. `storedWeights` contains the weights from the file in Keras's order. */
function setLayerWeights(
  layer: KerasLayer,
  importedLayers: ImportedLayers,
  storedWeights: readonly StoredWeight[],
): void {
  const slots = getWeightSlots(layer, importedLayers);
  const arrays = slots.map(({ name, shape }, i) => {
    const weight = storedWeights[i]!;
    if (weight.array.shape.join() !== shape.join()) {
      throw createWeightError(
        weight.path,
        `the shape [${shape.join(', ')}] for the weight ${name} of layer ${layer.name}`,
        `the shape [${weight.array.shape.join(', ')}]`,
      );
    }
    return toFiniteNumbers(weight);
  });
  const { customWeights, layers } = importedLayers.get(layer)!;
  if (customWeights) {
    customWeights.setWeights(arrays);
    return;
  }
  layers
    .flatMap((stock) => stock.weights)
    .forEach((variable, i) => {
      const values = tf.tensor(arrays[i]!, variable.shape as number[]);
      variable.write(values);
      values.dispose();
    });
}

/**
 * Sets weights that are computed from a layer's configuration, such as the scales of a `Rescaling` layer. Such weights are not in the
 * weights file.
 */
export function setConstantWeights(importedLayers: ImportedLayers): void {
  for (const { customWeights } of importedLayers.values())
    if (customWeights?.weightSlots.length === 0) customWeights.setWeights([]);
}

function loadLegacyWeights(
  model: KerasModel,
  importedLayers: ImportedLayers,
  groups: ReadonlyMap<string, Hdf5Group>,
  path: string,
): void {
  const storedByLayer = new Map(
    [...groups].map(([name, group]) => [name, readLegacyWeights(group, `${path}/${name}`)] as const),
  );
  const layersWithWeights = model.layers.filter((layer) => hasWeights(layer, importedLayers));
  const nonEmptyGroups = [...storedByLayer].filter(([, weights]) => weights.length > 0);
  const byName = layersWithWeights.every(({ name }) => (storedByLayer.get(name)?.length ?? 0) > 0);
  if (!byName && layersWithWeights.length !== nonEmptyGroups.length) {
    const missingLayer = layersWithWeights.find(({ name }) => !storedByLayer.get(name)?.length)!;
    throw createWeightError(path, `weights of the layer ${missingLayer.name}`, 'no weights with that name');
  }
  const used = new Set<string>();
  layersWithWeights.forEach((layer, i) => {
    const [name, weights] = byName
      ? ([layer.name, storedByLayer.get(layer.name)!] as const)
      : nonEmptyGroups[i]!;
    used.add(name);
    if (layer.model) loadNestedWeights(model.name, layer, importedLayers, weights, `${path}/${name}`);
    else
      setLayerWeights(
        layer,
        importedLayers,
        matchLayerWeights(layer, getWeightSlots(layer, importedLayers), weights, `${path}/${name}`),
      );
  });
  const unusedGroup = nonEmptyGroups.find(([name]) => !used.has(name));
  if (unusedGroup)
    throw createWeightError(
      unusedGroup[1][0]!.path,
      'a weight of a layer in the model',
      'a weight of a layer that the model does not have',
    );
}

/** Alternative weight names in Keras, keyed by TensorFlow.js name. */
const WEIGHT_ALIASES: { readonly [slot: string]: readonly string[] } = {
  depthwise_kernel: ['kernel'],
  moving_mean: ['running_mean'],
  moving_variance: ['running_std'],
};

/** Returns a noun phrase for the weights that a layer expects, for example `2 weights for layer conv1 (kernel, bias)`. */
const describeSlots = ({ name }: KerasLayer, slots: readonly WeightSlot[]) =>
  `${slots.length} ${slots.length === 1 ? 'weight' : 'weights'} for layer ${name} (${slots.map((slot) => slot.name).join(', ')})`;

const matchesSlotName = (storedName: string, slot: string) =>
  storedName === slot || (WEIGHT_ALIASES[slot] ?? []).includes(storedName);

/**
 * Sorts the stored weights of one layer into the order that the layer expects. Weights are matched by the last segment of their names, or
 * by order if no name matches.
 */
function matchLayerWeights(
  layer: KerasLayer,
  slots: readonly WeightSlot[],
  storedWeights: readonly StoredWeight[],
  groupPath: string,
): StoredWeight[] {
  const candidates = slots.map(({ name }) =>
    storedWeights.filter((weight) => matchesSlotName(weight.name.split('/').at(-1)!, name)),
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

/**
 * Loads the weights of a nested model, which are all in one group of a legacy h5 file. Each weight name starts with the name of its layer,
 * possibly preceded by the names of nested models.
 */
function loadNestedWeights(
  root: string,
  outer: KerasLayer,
  importedLayers: ImportedLayers,
  storedWeights: readonly StoredWeight[],
  groupPath: string,
): void {
  const unusedWeights = new Set(storedWeights);
  const index = new Map<string, StoredWeight[]>();
  for (const weight of storedWeights) {
    const key = weight.name.split('/').slice(-2).join('/');
    if (index.has(key)) index.get(key)!.push(weight);
    else index.set(key, [weight]);
  }
  const visit = (model: KerasModel, path: readonly string[]) => {
    for (const layer of model.layers) {
      if (layer.model) visit(layer.model, [...path, layer.name]);
      else {
        const weights = getWeightSlots(layer, importedLayers).map(({ name }) => {
          const storedNames = [name, ...(WEIGHT_ALIASES[name] ?? [])];
          const candidates = storedNames.flatMap(
            (storedName) => index.get(`${layer.name}/${storedName}`) ?? [],
          );
          const weight = findBestMatch(candidates, path);
          if (!weight || !unusedWeights.delete(weight)) {
            throw createWeightError(
              groupPath,
              `the weight ${name} of layer ${layer.name}`,
              'no weight with that name',
            );
          }
          return weight;
        });
        if (weights.length > 0) setLayerWeights(layer, importedLayers, weights);
      }
    }
  };
  visit(outer.model!, [root, outer.name]);
  const [unusedWeight] = unusedWeights;
  if (unusedWeight)
    throw createWeightError(
      unusedWeight.path,
      `a weight of a layer in the nested model ${outer.name}`,
      'a weight of a layer that the nested model does not have',
    );
}

/**
 * Returns the weight whose path best matches the names of the models that contain the layer, or undefined if two weights match equally
 * well. Keras writes the names of sequential models to weight paths, but not those of functional models.
 */
function findBestMatch(weights: readonly StoredWeight[], path: readonly string[]): StoredWeight | undefined {
  const countMatchingModels = ({ name }: StoredWeight) => {
    const models = name.split('/').slice(0, -2);
    let at = 0;
    for (const model of path) if (models[at] === model) at++;
    return at === models.length ? at : -1;
  };
  const [best, second] = weights
    .map((weight) => ({ weight, fits: countMatchingModels(weight) }))
    .sort((a, b) => b.fits - a.fits);
  return best && best.fits !== second?.fits ? best.weight : undefined;
}

function loadContainerWeights(
  model: KerasModel,
  importedLayers: ImportedLayers,
  group: Hdf5Group,
  path: string,
): void {
  const groups = getContainerLayers(group);
  const keys = Object.keys(groups);
  const keysByName = new Map<string, string[]>();
  for (const key of keys) {
    const name = getContainerName(groups[key]!);
    if (name === undefined) continue;
    if (keysByName.has(name)) keysByName.get(name)!.push(key);
    else keysByName.set(name, [key]);
  }
  const layersWithWeights = model.layers.filter((layer) => hasWeights(layer, importedLayers));
  const byName = layersWithWeights.every(({ name }) => keysByName.get(name)?.length === 1);
  const computedKeys = computeLayerKeys(model);
  const used = new Set<string>();
  for (const layer of layersWithWeights) {
    const key = byName ? keysByName.get(layer.name)![0]! : computedKeys.get(layer)!;
    const layerGroup = Object.hasOwn(groups, key) ? groups[key] : undefined;
    if (!layerGroup)
      throw createWeightError(
        path,
        `weights of the layer ${layer.name}`,
        `a file without the group layers/${key}`,
      );
    used.add(key);
    const groupPath = `${path}/layers/${key}`;
    if (layer.model) loadContainerWeights(layer.model, importedLayers, layerGroup, groupPath);
    else {
      const storedWeights = readContainerWeights(layerGroup, groupPath);
      const slots = getWeightSlots(layer, importedLayers);
      if (storedWeights.length !== slots.length) {
        throw createWeightError(
          groupPath,
          describeSlots(layer, slots),
          `${storedWeights.length} ${storedWeights.length === 1 ? 'weight' : 'weights'}`,
        );
      }
      setLayerWeights(layer, importedLayers, storedWeights);
    }
  }
  for (const key of keys) {
    const [unusedWeight] = used.has(key) ? [] : readContainerWeights(groups[key]!, `${path}/layers/${key}`);
    if (unusedWeight)
      throw createWeightError(
        unusedWeight.path,
        'a weight of a layer in the model',
        'a weight of a layer that the model does not have',
      );
  }
}

/** Computes the group names that Keras 3 gives to layers: class names in snake case, numbered in layer order. */
function computeLayerKeys(model: KerasModel): Map<KerasLayer, string> {
  const counts = new Map<string, number>();
  return new Map(
    model.layers.map((layer) => {
      const snakeCaseName = toSnakeCase(layer.className.split('>').at(-1)!);
      const count = counts.get(snakeCaseName) ?? 0;
      counts.set(snakeCaseName, count + 1);
      return [layer, count === 0 ? snakeCaseName : `${snakeCaseName}_${count}`] as const;
    }),
  );
}
