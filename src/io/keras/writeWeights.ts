import type { Hdf5Array, Hdf5Group } from '../hdf5.js';
import { snakeCase } from './names.js';
import type { KerasGraph, KerasLayer } from './writeGraph.js';

/** The numbers of a weight by its name in the model, `trunk_conv1/kernel`. */
export type WeightNumbers = (name: string) => Hdf5Array | Promise<Hdf5Array>;

/** What an optimiser keeps between steps, in Keras's order. */
export interface OptimizerState {
  /** `adam`. */
  readonly name: string;
  readonly variables: readonly Hdf5Array[];
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
  return group({
    groups: {
      layers: group({ groups: layers }),
      ...(optimizer ? { optimizer: variables(optimizer.name, optimizer.variables) } : {}),
      ...variables(graph.name, []).groups,
    },
  });
}

const variables = (name: string, arrays: readonly Hdf5Array[]): Hdf5Group =>
  group({ groups: { vars: group({ attributes: { name }, arrays: Object.fromEntries(arrays.entries()) }) } });

/** Whose layout this is. */
export const VERSION = { backend: 'tensorflow', keras_version: '3.15.1' };

/**
 * The `model_weights` of a whole model in one h5 file: a group for each layer, which lists its weights by name. Same as
 * Keras 3 (legacy/saving/legacy_h5_format.py), but for `optimizer_weights`, which are left out: with them Keras 3.15.1
 * builds the optimiser for no variables at all, and the model it opens cannot be trained, be the file its own.
 */
export async function legacyWeights(graph: KerasGraph, numbers: WeightNumbers): Promise<Hdf5Group> {
  const groups: { [name: string]: Hdf5Group } = {};
  for (const layer of [...graph.layers].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const names = weightNames(layer);
    const arrays = await Promise.all(names.map(numbers));
    const own = names.map((name) => ownName(layer, name));
    groups[layer.name] = group({
      attributes: { weight_names: own.map((name) => `${layer.name}/${name}`) },
      groups:
        own.length === 0
          ? {}
          : { [layer.name]: group({ arrays: Object.fromEntries(own.map((name, i) => [name, arrays[i]!])) }) },
    });
  }
  const rest = group({ attributes: { weight_names: [] } });
  return group({
    attributes: { ...VERSION, layer_names: graph.layers.map(({ name }) => name) },
    groups: { ...groups, top_level_model_weights: rest },
  });
}

/** A weight's name within its layer; only TensorFlow.js has another word for the kernel of a depthwise layer. */
function ownName({ className }: KerasLayer, weight: string): string {
  const name = weight.slice(weight.lastIndexOf('/') + 1);
  return className === 'DepthwiseConv2D' && name === 'depthwise_kernel' ? 'kernel' : name;
}
