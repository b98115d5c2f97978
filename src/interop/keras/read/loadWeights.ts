import { createError } from '../../../core/errors/errors.js';
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
import type { KerasLayer, KerasModel } from './modelStructure.js';

/** Weight that a layer needs. */
interface WeightSlot {
  readonly name: string;
  readonly shape: readonly number[];
}

type ImportedLayers = ReadonlyMap<KerasLayer, ImportedLayer>;

const createWeightError = (path: string, expected: string, received: string) =>
  createError({
    kind: 'file',
    path,
    expected,
    received,
    advice: 'Give the weights that belong to this model.',
  });

/**
 * Sets the weights of a built model from a file. Weights are matched by name; by order only if the names do
 * not match any layer and counts and shapes agree.
 *
 * @throws A `file` error if a weight is missing, unused, of another shape, or not finite; the error names the
 *   layer and the weight.
 */
export function loadWeights(
  model: KerasModel,
  made: ImportedLayers,
  { layout, root, path }: KerasWeightsFile,
): void {
  if (layout === 'legacy') loadLegacyWeights(model, made, readLegacyGroups(root, path), path);
  else loadContainerWeights(model, made, root, path);
}

/** Returns the weights that a layer needs, in Keras's order. */
function getWeightSlots(layer: KerasLayer, made: ImportedLayers): readonly WeightSlot[] {
  const { customWeights, layers } = made.get(layer) ?? { layers: [] };
  if (customWeights) return customWeights.weightSlots;
  return layers.flatMap((stock) =>
    stock.weights.map(({ originalName, shape }) => ({
      name: originalName.split('/').at(-1)!,
      shape: shape as number[],
    })),
  );
}

/** Returns whether a layer, or any layer inside it, has weights. */
function hasWeights(layer: KerasLayer, made: ImportedLayers): boolean {
  return layer.model
    ? layer.model.layers.some((inner) => hasWeights(inner, made))
    : getWeightSlots(layer, made).length > 0;
}

/** Sets the weights of one layer. `stored` has one weight per slot. */
function setLayerWeights(layer: KerasLayer, made: ImportedLayers, stored: readonly StoredWeight[]): void {
  const slots = getWeightSlots(layer, made);
  const arrays = slots.map(({ name, shape }, i) => {
    const weight = stored[i]!;
    if (weight.array.shape.join() !== shape.join()) {
      throw createWeightError(
        weight.path,
        `${name} of layer ${layer.name}, [${shape.join(', ')}]`,
        `[${weight.array.shape.join(', ')}]`,
      );
    }
    return toFiniteNumbers(weight);
  });
  const { customWeights, layers } = made.get(layer)!;
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

/** Sets the weights of layers whose weights are constants, for which the file contains nothing. */
export function setConstantWeights(made: ImportedLayers): void {
  for (const { customWeights } of made.values())
    if (customWeights?.weightSlots.length === 0) customWeights.setWeights([]);
}

function loadLegacyWeights(
  model: KerasModel,
  made: ImportedLayers,
  groups: ReadonlyMap<string, Hdf5Group>,
  path: string,
): void {
  const stored = new Map(
    [...groups].map(([name, group]) => [name, readLegacyWeights(group, `${path}/${name}`)] as const),
  );
  const wanting = model.layers.filter((layer) => hasWeights(layer, made));
  const full = [...stored].filter(([, weights]) => weights.length > 0);
  const byName = wanting.every(({ name }) => (stored.get(name)?.length ?? 0) > 0);
  if (!byName && wanting.length !== full.length) {
    const lost = wanting.find(({ name }) => !stored.get(name)?.length)!;
    throw createWeightError(path, `weights of the layer ${lost.name}`, 'none of that name');
  }
  const used = new Set<string>();
  wanting.forEach((layer, i) => {
    const [name, weights] = byName ? ([layer.name, stored.get(layer.name)!] as const) : full[i]!;
    used.add(name);
    if (layer.model) loadNestedWeights(model.name, layer, made, weights, `${path}/${name}`);
    else
      setLayerWeights(
        layer,
        made,
        matchLayerWeights(layer, getWeightSlots(layer, made), weights, `${path}/${name}`),
      );
  });
  const extra = full.find(([name]) => !used.has(name));
  if (extra)
    throw createWeightError(extra[1][0]!.path, 'a layer of the model', 'a layer that it does not have');
}

/** Other names in Keras for weights, by their names in TensorFlow.js. */
const WEIGHT_ALIASES: { readonly [slot: string]: readonly string[] } = {
  depthwise_kernel: ['kernel'],
  moving_mean: ['running_mean'],
  moving_variance: ['running_std'],
};

const matchesSlotName = (stored: string, slot: string) =>
  stored === slot || (WEIGHT_ALIASES[slot] ?? []).includes(stored);

/** Assigns the stored weights of one layer to its slots: by the last part of their names, otherwise by order. */
function matchLayerWeights(
  layer: KerasLayer,
  slots: readonly WeightSlot[],
  stored: readonly StoredWeight[],
  place: string,
): StoredWeight[] {
  const found = slots.map(({ name }) =>
    stored.filter((weight) => matchesSlotName(weight.name.split('/').at(-1)!, name)),
  );
  const byName = found.every((matches) => matches.length === 1);
  const silent = found.every((matches) => matches.length === 0);
  if (stored.length === slots.length && (byName || silent)) {
    return byName ? found.map(([weight]) => weight!) : [...stored];
  }
  throw createWeightError(
    place,
    `${slots.map(({ name }) => name).join(', ')} of layer ${layer.name}`,
    stored.map(({ name }) => name).join(', ') || 'nothing',
  );
}

/**
 * Loads a nested model, whose weights are in one group. Each weight's name is preceded by its layer's name,
 * and possibly by its model's.
 */
function loadNestedWeights(
  root: string,
  outer: KerasLayer,
  made: ImportedLayers,
  stored: readonly StoredWeight[],
  place: string,
): void {
  const left = new Set(stored);
  const index = new Map<string, StoredWeight[]>();
  for (const weight of stored) {
    const key = weight.name.split('/').slice(-2).join('/');
    if (index.has(key)) index.get(key)!.push(weight);
    else index.set(key, [weight]);
  }
  const visit = (model: KerasModel, path: readonly string[]) => {
    for (const layer of model.layers) {
      if (layer.model) visit(layer.model, [...path, layer.name]);
      else {
        const weights = getWeightSlots(layer, made).map(({ name }) => {
          const words = [name, ...(WEIGHT_ALIASES[name] ?? [])];
          const near = words.flatMap((word) => index.get(`${layer.name}/${word}`) ?? []);
          const weight = findBestMatch(near, path);
          if (!weight || !left.delete(weight)) {
            throw createWeightError(place, `${name} of layer ${layer.name}`, 'no weight of that name');
          }
          return weight;
        });
        if (weights.length > 0) setLayerWeights(layer, made, weights);
      }
    }
  };
  visit(outer.model!, [root, outer.name]);
  const [extra] = left;
  if (extra)
    throw createWeightError(extra.path, `a weight of a layer in ${outer.name}`, 'one that it does not have');
}

/**
 * Returns the weight whose path fits best to the models around the layer, or undefined if two fit equally
 * well. Keras leaves some models out of a weight's name: it includes sequential models, but not functional
 * ones.
 */
function findBestMatch(weights: readonly StoredWeight[], path: readonly string[]): StoredWeight | undefined {
  const agreement = ({ name }: StoredWeight) => {
    const models = name.split('/').slice(0, -2);
    let at = 0;
    for (const model of path) if (models[at] === model) at++;
    return at === models.length ? at : -1;
  };
  const [best, second] = weights
    .map((weight) => ({ weight, fits: agreement(weight) }))
    .sort((a, b) => b.fits - a.fits);
  return best && best.fits !== second?.fits ? best.weight : undefined;
}

function loadContainerWeights(model: KerasModel, made: ImportedLayers, group: Hdf5Group, path: string): void {
  const groups = getContainerLayers(group);
  const keys = Object.keys(groups);
  const named = new Map<string, string[]>();
  for (const key of keys) {
    const name = getContainerName(groups[key]!);
    if (name === undefined) continue;
    if (named.has(name)) named.get(name)!.push(key);
    else named.set(name, [key]);
  }
  const wanting = model.layers.filter((layer) => hasWeights(layer, made));
  const byName = wanting.every(({ name }) => named.get(name)?.length === 1);
  const counted = computeLayerKeys(model);
  const used = new Set<string>();
  for (const layer of wanting) {
    const key = byName ? named.get(layer.name)![0]! : counted.get(layer)!;
    const inside = Object.hasOwn(groups, key) ? groups[key] : undefined;
    if (!inside)
      throw createWeightError(path, `weights of the layer ${layer.name}`, `no group layers/${key}`);
    used.add(key);
    const place = `${path}/layers/${key}`;
    if (layer.model) loadContainerWeights(layer.model, made, inside, place);
    else {
      const stored = readContainerWeights(inside, place);
      const slots = getWeightSlots(layer, made);
      if (stored.length !== slots.length) {
        throw createWeightError(
          place,
          `${slots.map(({ name }) => name).join(', ')} of layer ${layer.name}`,
          `${stored.length} weights`,
        );
      }
      setLayerWeights(layer, made, stored);
    }
  }
  for (const key of keys) {
    const [extra] = used.has(key) ? [] : readContainerWeights(groups[key]!, `${path}/layers/${key}`);
    if (extra) throw createWeightError(extra.path, 'a layer of the model', 'a layer that it does not have');
  }
}

/** Computes the keys of groups in Keras 3: class names, numbered in the order of the layers. */
function computeLayerKeys(model: KerasModel): Map<KerasLayer, string> {
  const counts = new Map<string, number>();
  return new Map(
    model.layers.map((layer) => {
      const kind = toSnakeCase(layer.className.split('>').at(-1)!);
      const count = counts.get(kind) ?? 0;
      counts.set(kind, count + 1);
      return [layer, count === 0 ? kind : `${kind}_${count}`] as const;
    }),
  );
}
