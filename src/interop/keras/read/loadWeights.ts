import { addToGroup } from '../../../core/arrays.js';
import type { Hdf5Group } from '../../../formats/hdf5/hdf5Group.js';
import { tf } from '../../../tensor/tf.js';
import { computeContainerKeys, getContainerName, getLayerContainer } from '../file/containerGroups.js';
import type { KerasWeightsFile } from '../file/openKerasFile.js';
import {
  readContainerWeights,
  readLegacyGroups,
  readLegacyWeights,
  type StoredWeight,
  toFiniteNumbers,
} from '../file/weightFiles.js';
import type { ImportedLayer } from './buildLayers.js';
import { matchNestedWeights } from './nestedWeights.js';
import type { KerasLayer, KerasModel } from './structure/modelStructure.js';
import { createWeightError, describeSlots, matchLayerWeights, type WeightSlot } from './weightSlots.js';

type ImportedLayers = ReadonlyMap<KerasLayer, ImportedLayer>;

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
    if (layer.model) {
      const getSlots = (inner: KerasLayer) => getWeightSlots(inner, importedLayers);
      const weightsByLayer = matchNestedWeights(model.name, layer, getSlots, weights, `${path}/${name}`);
      for (const [inner, storedWeights] of weightsByLayer)
        setLayerWeights(inner, importedLayers, storedWeights);
    } else
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

function loadContainerWeights(
  model: KerasModel,
  importedLayers: ImportedLayers,
  group: Hdf5Group,
  path: string,
): void {
  const container = getLayerContainer(group);
  const { layers: groups } = container;
  const keys = Object.keys(groups);
  const keysByName = new Map<string, string[]>();
  for (const key of keys) {
    const name = getContainerName(groups[key]!);
    if (name === undefined) continue;
    addToGroup(keysByName, name, key);
  }
  const layersWithWeights = model.layers.filter((layer) => hasWeights(layer, importedLayers));
  const byName = layersWithWeights.every(({ name }) => keysByName.get(name)?.length === 1);
  const numberedLayers = model.layers.filter(({ className }) => className !== 'InputLayer');
  const computedKeys = computeContainerKeys(
    container,
    numberedLayers.map(({ className }) => className.split('>').at(-1)!),
  );
  const keysByLayer = new Map(numberedLayers.map((layer, i) => [layer, computedKeys[i]!] as const));
  const used = new Set<string>();
  for (const layer of layersWithWeights) {
    const key = byName ? keysByName.get(layer.name)![0]! : keysByLayer.get(layer)!;
    const layerGroup = Object.hasOwn(groups, key) ? groups[key] : undefined;
    if (!layerGroup)
      throw createWeightError(
        path,
        `weights of the layer ${layer.name}`,
        `a file without the group ${container.name}/${key}`,
      );
    used.add(key);
    const groupPath = `${path}/${container.name}/${key}`;
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
    const [unusedWeight] = used.has(key)
      ? []
      : readContainerWeights(groups[key]!, `${path}/${container.name}/${key}`);
    if (unusedWeight)
      throw createWeightError(
        unusedWeight.path,
        'a weight of a layer in the model',
        'a weight of a layer that the model does not have',
      );
  }
}
