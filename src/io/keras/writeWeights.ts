import type { Hdf5Array, Hdf5Group } from '../hdf5.js';
import { snakeCase } from './names.js';
import type { KerasGraph, KerasLayer } from './writeGraph.js';

/** The numbers of a weight by its name in the model, `trunk_conv1/kernel`. */
export type WeightNumbers = (name: string) => Hdf5Array | Promise<Hdf5Array>;

/** A variable of an optimiser: its name in Keras, below the optimiser's own, and its numbers. */
export interface Slot {
  readonly name: string;
  readonly numbers: Hdf5Array;
}

/** What an optimiser keeps between steps, in Keras's order. */
export interface OptimizerState {
  /** `adam`. */
  readonly name: string;
  readonly slots: readonly Slot[];
}

const group = (parts: Partial<Hdf5Group>): Hdf5Group => ({
  attributes: {},
  groups: {},
  arrays: {},
  ...parts,
});

/** Names of a layer's weights, in the order in which Keras keeps them. */
export const weightNames = ({ source }: KerasLayer): string[] =>
  (source?.weights ?? []).map(({ originalName }) => originalName);

/** The last part of a weight's name: Keras names its own after the layer and this. */
export const ownName = (weight: string) => weight.slice(weight.lastIndexOf('/') + 1);

/**
 * The `model.weights.h5` of a `.keras` file: a group for each layer, named by its class and how many of that class came
 * before it, with the weights by number below `vars`. Same as Keras 3 (saving/saving_lib.py).
 */
export async function weightsTree(
  graph: KerasGraph,
  numbers: WeightNumbers,
  optimizer: OptimizerState | undefined,
): Promise<Hdf5Group> {
  const counts = new Map<string, number>();
  const layers: { [path: string]: Hdf5Group } = {};
  for (const layer of graph.layers) {
    const kind = snakeCase(layer.className);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const weights = await Promise.all(weightNames(layer).map(numbers));
    layers[count === 0 ? kind : `${kind}_${count}`] = variables(layer.name, weights);
  }
  const slots = optimizer?.slots.map((slot) => slot.numbers);
  return group({
    groups: {
      layers: group({ groups: layers }),
      ...(optimizer && slots ? { optimizer: variables(optimizer.name, slots) } : {}),
      ...variables(graph.name, []).groups,
    },
  });
}

const variables = (name: string, arrays: readonly Hdf5Array[]): Hdf5Group =>
  group({ groups: { vars: group({ attributes: { name }, arrays: Object.fromEntries(arrays.entries()) }) } });

export const VERSION = { backend: 'tensorflow', keras_version: '3.15.1' };

/**
 * The groups of a whole model in one h5 file: `model_weights` with a group for each layer, and `optimizer_weights`. Same
 * as Keras 3 (legacy/saving/legacy_h5_format.py).
 */
export async function legacyWeights(
  graph: KerasGraph,
  numbers: WeightNumbers,
  optimizer: OptimizerState | undefined,
): Promise<{ readonly [name: string]: Hdf5Group }> {
  const layers: { [name: string]: Hdf5Group } = {};
  for (const layer of [...graph.layers].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const names = weightNames(layer);
    const arrays = await Promise.all(names.map(numbers));
    layers[layer.name] = named(
      layer.name,
      names.map((name, i) => ({ name: ownName(name), numbers: arrays[i]! })),
    );
  }
  return {
    model_weights: group({
      attributes: { ...VERSION, layer_names: graph.layers.map(({ name }) => name) },
      groups: { ...layers, top_level_model_weights: named('', []) },
    }),
    ...(optimizer ? { optimizer_weights: named(optimizer.name, optimizer.slots) } : {}),
  };
}

/** Numbers as `owner/name` below a group that lists them. */
function named(owner: string, slots: readonly Slot[]): Hdf5Group {
  const arrays = Object.fromEntries(slots.map(({ name, numbers }) => [name, numbers]));
  return group({
    attributes: { weight_names: slots.map(({ name }) => `${owner}/${name}`) },
    groups: slots.length === 0 ? {} : { [owner]: group({ arrays }) },
  });
}
