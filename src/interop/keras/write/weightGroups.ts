import type { Hdf5Dataset, Hdf5Group } from '../../../formats/hdf5/hdf5Group.js';
import { toSnakeCase } from '../file/kerasNames.js';
import type { KerasGraph, KerasGraphLayer } from './kerasGraph.js';

/** Function that returns the shape and values of the weight with a given name, for example `trunk_conv1/kernel`. */
export type WeightReader = (name: string) => Hdf5Dataset | Promise<Hdf5Dataset>;

/** State of an optimizer as a list of Keras variables, in the order in which Keras stores them. */
export interface OptimizerVariables {
  /** Name of the optimizer, for example `adam`. */
  readonly name: string;
  readonly variables: readonly Hdf5Dataset[];
}

const createGroup = (parts: Partial<Hdf5Group>): Hdf5Group => ({
  attributes: {},
  groups: {},
  arrays: {},
  ...parts,
});

/** Returns the names of a layer's weights, in Keras's order. */
export const getWeightNames = ({ stockLayer }: KerasGraphLayer): string[] =>
  (stockLayer?.weights ?? []).map(({ originalName }) => originalName);

/**
 * Creates the contents of `model.weights.h5` in a `.keras` file. Each layer has a group, named after its class
 * and its number within the class. The `vars` subgroup contains the numbered weights. The layout matches that of Keras 3
 * (saving/saving_lib.py).
 */
export async function createWeightsGroup(
  graph: KerasGraph,
  readWeight: WeightReader,
  optimizer: OptimizerVariables | undefined,
): Promise<Hdf5Group> {
  const counts = new Map<string, number>();
  const layers: { [path: string]: Hdf5Group } = {};
  for (const layer of graph.layers) {
    const kind = toSnakeCase(layer.className);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const weights = await Promise.all(getWeightNames(layer).map(readWeight));
    layers[count === 0 ? kind : `${kind}_${count}`] = createVariablesGroup(layer.name, weights);
  }
  return createGroup({
    groups: {
      layers: createGroup({ groups: layers }),
      ...(optimizer ? { optimizer: createVariablesGroup(optimizer.name, optimizer.variables) } : {}),
      ...createVariablesGroup(graph.name, []).groups,
    },
  });
}

const createVariablesGroup = (name: string, arrays: readonly Hdf5Dataset[]): Hdf5Group =>
  createGroup({
    groups: { vars: createGroup({ attributes: { name }, arrays: Object.fromEntries(arrays.entries()) }) },
  });

/** Version of Keras whose file layout is written. */
export const KERAS_VERSION = { backend: 'tensorflow', keras_version: '3.15.1' };

/**
 * Creates the `model_weights` group for a whole model in one h5 file. Each layer has a group that lists its
 * weights by name. The layout matches that of Keras 3 (legacy/saving/legacy_h5_format.py), except that the `optimizer_weights`
 * group is omitted. If that group is present, even in a file that Keras wrote, Keras 3.15.1 builds the optimizer without
 * variables, and the model cannot be trained.
 */
export async function createLegacyWeightsGroup(
  graph: KerasGraph,
  readWeight: WeightReader,
): Promise<Hdf5Group> {
  const groups: { [name: string]: Hdf5Group } = {};
  for (const layer of [...graph.layers].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const weightNames = getWeightNames(layer);
    const arrays = await Promise.all(weightNames.map(readWeight));
    const kerasNames = weightNames.map((name) => toKerasWeightName(layer, name));
    groups[layer.name] = createGroup({
      attributes: { weight_names: kerasNames.map((name) => `${layer.name}/${name}`) },
      groups:
        kerasNames.length === 0
          ? {}
          : {
              [layer.name]: createGroup({
                arrays: Object.fromEntries(kerasNames.map((name, i) => [name, arrays[i]!])),
              }),
            },
    });
  }
  const topLevelWeights = createGroup({ attributes: { weight_names: [] } });
  return createGroup({
    attributes: { ...KERAS_VERSION, layer_names: graph.layers.map(({ name }) => name) },
    groups: { ...groups, top_level_model_weights: topLevelWeights },
  });
}

/**
 * Returns the Keras name of a weight within its layer. Only the kernel of a depthwise layer has a different name in TensorFlow.js.
 */
function toKerasWeightName({ className }: KerasGraphLayer, weight: string): string {
  const name = weight.slice(weight.lastIndexOf('/') + 1);
  return className === 'DepthwiseConv2D' && name === 'depthwise_kernel' ? 'kernel' : name;
}
