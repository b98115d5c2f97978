import { fault } from '../../core/errors.js';
import { tf } from '../../tensor/tf.js';
import type { Hdf5Group } from '../hdf5.js';
import type { MadeLayer } from './build.js';
import { snakeCase } from './names.js';
import type { WeightsFile } from './openFile.js';
import {
  containerLayers,
  containerName,
  containerWeights,
  legacyGroups,
  legacyWeights,
  numbersOf,
  type StoredWeight,
} from './storedWeights.js';
import type { KerasLayer, KerasModel } from './structure.js';

/** A weight that a layer wants. */
interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
}

type MadeLayers = ReadonlyMap<KerasLayer, MadeLayer>;

const wrong = (path: string, expected: string, received: string) =>
  fault({ kind: 'file', path, expected, received, advice: 'Give the weights that belong to this model.' });

/**
 * Fills the weights of a built model. Stored names decide; the order does only where names say nothing, and counts and
 * shapes agree.
 *
 * @throws `file` fault for a weight that is missing, left over, of another shape, or not finite, naming layer and weight.
 */
export function assignWeights(
  model: KerasModel,
  made: MadeLayers,
  { layout, root, path }: WeightsFile,
): void {
  if (layout === 'legacy') assignLegacy(model, made, legacyGroups(root, path), path);
  else assignContainer(model, made, root, path);
}

/** The weights that a layer wants, in Keras's order. */
function slotsOf(layer: KerasLayer, made: MadeLayers): readonly Slot[] {
  const { special, layers } = made.get(layer) ?? { layers: [] };
  if (special) return special.stored;
  return layers.flatMap((stock) =>
    stock.weights.map(({ originalName, shape }) => ({
      name: originalName.split('/').at(-1)!,
      shape: shape as number[],
    })),
  );
}

/** Whether a layer, or any layer inside it, has weights. */
function wants(layer: KerasLayer, made: MadeLayers): boolean {
  return layer.model
    ? layer.model.layers.some((inner) => wants(inner, made))
    : slotsOf(layer, made).length > 0;
}

/** Writes the weights of one layer, found for its slots one by one. */
function fill(layer: KerasLayer, made: MadeLayers, stored: readonly StoredWeight[]): void {
  const slots = slotsOf(layer, made);
  const arrays = slots.map(({ name, shape }, i) => {
    const weight = stored[i]!;
    if (weight.array.shape.join() !== shape.join()) {
      throw wrong(
        weight.place,
        `${name} of layer ${layer.name}, [${shape.join(', ')}]`,
        `[${weight.array.shape.join(', ')}]`,
      );
    }
    return numbersOf(weight);
  });
  const { special, layers } = made.get(layer)!;
  if (special) {
    special.write(arrays);
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

/** Constants of layers that the file holds nothing for. */
export function writeConstants(made: MadeLayers): void {
  for (const { special } of made.values()) if (special?.stored.length === 0) special.write([]);
}

function assignLegacy(
  model: KerasModel,
  made: MadeLayers,
  groups: ReadonlyMap<string, Hdf5Group>,
  path: string,
): void {
  const stored = new Map(
    [...groups].map(([name, group]) => [name, legacyWeights(group, `${path}/${name}`)] as const),
  );
  const wanting = model.layers.filter((layer) => wants(layer, made));
  const full = [...stored].filter(([, weights]) => weights.length > 0);
  const byName = wanting.every(({ name }) => (stored.get(name)?.length ?? 0) > 0);
  if (!byName && wanting.length !== full.length) {
    const lost = wanting.find(({ name }) => !stored.get(name)?.length)!;
    throw wrong(path, `weights of the layer ${lost.name}`, 'none of that name');
  }
  const used = new Set<string>();
  wanting.forEach((layer, i) => {
    const [name, weights] = byName ? ([layer.name, stored.get(layer.name)!] as const) : full[i]!;
    used.add(name);
    if (layer.model) fillNested(model.name, layer, made, weights, `${path}/${name}`);
    else fill(layer, made, ofOneLayer(layer, slotsOf(layer, made), weights, `${path}/${name}`));
  });
  const extra = full.find(([name]) => !used.has(name));
  if (extra) throw wrong(extra[1][0]!.place, 'a layer of the model', 'a layer that it does not have');
}

/** Other words of Keras for what TensorFlow.js calls a weight. */
const ALSO: { readonly [slot: string]: readonly string[] } = {
  depthwise_kernel: ['kernel'],
  moving_mean: ['running_mean'],
  moving_variance: ['running_std'],
};

const isCalled = (stored: string, slot: string) => stored === slot || (ALSO[slot] ?? []).includes(stored);

/** The stored weights of one layer for its slots: by the last part of their names, else by order. */
function ofOneLayer(
  layer: KerasLayer,
  slots: readonly Slot[],
  stored: readonly StoredWeight[],
  place: string,
): StoredWeight[] {
  const found = slots.map(({ name }) =>
    stored.filter((weight) => isCalled(weight.name.split('/').at(-1)!, name)),
  );
  const byName = found.every((matches) => matches.length === 1);
  const silent = found.every((matches) => matches.length === 0);
  if (stored.length === slots.length && (byName || silent)) {
    return byName ? found.map(([weight]) => weight!) : [...stored];
  }
  throw wrong(
    place,
    `${slots.map(({ name }) => name).join(', ')} of layer ${layer.name}`,
    stored.map(({ name }) => name).join(', ') || 'nothing',
  );
}

/** A nested model's weights stand in one group: each has its layer's name before its own, and maybe its model's. */
function fillNested(
  root: string,
  outer: KerasLayer,
  made: MadeLayers,
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
        const weights = slotsOf(layer, made).map(({ name }) => {
          const words = [name, ...(ALSO[name] ?? [])];
          const near = words.flatMap((word) => index.get(`${layer.name}/${word}`) ?? []);
          const weight = nearest(near, path);
          if (!weight || !left.delete(weight)) {
            throw wrong(place, `${name} of layer ${layer.name}`, 'no weight of that name');
          }
          return weight;
        });
        if (weights.length > 0) fill(layer, made, weights);
      }
    }
  };
  visit(outer.model!, [root, outer.name]);
  const [extra] = left;
  if (extra) throw wrong(extra.place, `a weight of a layer in ${outer.name}`, 'one that it does not have');
}

/**
 * Of weights whose layer has the right name, the one whose models' names fit best; undefined where two do. Keras leaves some
 * models out of a name: it names sequential ones, not functional ones.
 */
function nearest(weights: readonly StoredWeight[], path: readonly string[]): StoredWeight | undefined {
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

function assignContainer(model: KerasModel, made: MadeLayers, group: Hdf5Group, path: string): void {
  const groups = containerLayers(group);
  const keys = Object.keys(groups);
  const named = new Map<string, string[]>();
  for (const key of keys) {
    const name = containerName(groups[key]!);
    if (name === undefined) continue;
    if (named.has(name)) named.get(name)!.push(key);
    else named.set(name, [key]);
  }
  const wanting = model.layers.filter((layer) => wants(layer, made));
  const byName = wanting.every(({ name }) => named.get(name)?.length === 1);
  const counted = countedKeys(model);
  const used = new Set<string>();
  for (const layer of wanting) {
    const key = byName ? named.get(layer.name)![0]! : counted.get(layer)!;
    const inside = Object.hasOwn(groups, key) ? groups[key] : undefined;
    if (!inside) throw wrong(path, `weights of the layer ${layer.name}`, `no group layers/${key}`);
    used.add(key);
    const place = `${path}/layers/${key}`;
    if (layer.model) assignContainer(layer.model, made, inside, place);
    else {
      const stored = containerWeights(inside, place);
      const slots = slotsOf(layer, made);
      if (stored.length !== slots.length) {
        throw wrong(
          place,
          `${slots.map(({ name }) => name).join(', ')} of layer ${layer.name}`,
          `${stored.length} weights`,
        );
      }
      fill(layer, made, stored);
    }
  }
  for (const key of keys) {
    const [extra] = used.has(key) ? [] : containerWeights(groups[key]!, `${path}/layers/${key}`);
    if (extra) throw wrong(extra.place, 'a layer of the model', 'a layer that it does not have');
  }
}

/** Groups as Keras 3 counts them: by class, in the order of the layers. */
function countedKeys(model: KerasModel): Map<KerasLayer, string> {
  const counts = new Map<string, number>();
  return new Map(
    model.layers.map((layer) => {
      const kind = snakeCase(layer.className.split('>').at(-1)!);
      const count = counts.get(kind) ?? 0;
      counts.set(kind, count + 1);
      return [layer, count === 0 ? kind : `${kind}_${count}`] as const;
    }),
  );
}
