import type { HostArray } from '../../../core/arrays.js';
import { createFileError, isMultitaskError } from '../../../core/errors/errors.js';
import type { PixelRange } from '../../../core/images.js';
import { type Hdf5Dataset, type Hdf5Group, readNameList } from '../../../formats/hdf5/hdf5Group.js';
import { getContainerName, getLayerContainer } from './containerGroups.js';
import { type KerasFile, openKerasFile } from './openKerasFile.js';

/** A weight that is stored in a Keras file. */
export interface StoredWeight {
  /**
   * Name of the weight. Legacy layout: the name without the `:0` suffix, for example `conv1/kernel`. Keras 3: the index of the weight in
   * its layer, for example `0`.
   */
  readonly name: string;
  readonly array: Hdf5Dataset;
  /** Path of the weight, used in error messages. */
  readonly path: string;
}

const createWeightsFileError = (path: string, expected: string, received: string) =>
  createFileError(path, expected, received, 'Save the file again with Keras.');

/**
 * Reads the weights of one layer from a legacy h5 file, including the weights of layers nested in it, in the order of the
 * `weight_names` attribute.
 */
export function readLegacyWeights(group: Hdf5Group, path: string): StoredWeight[] {
  return readNames(group, 'weight_names', path).map((name) => {
    const weightPath = `${path}/${name}`;
    const array = findDataset(group, name);
    if (!array)
      throw createWeightsFileError(weightPath, 'a dataset for every weight in weight_names', 'no dataset');
    return { name: name.replace(/:\d+$/, ''), array, path: weightPath };
  });
}

/** Returns the HDF5 groups of a legacy h5 file, keyed by layer name, in the order of the `layer_names` attribute. */
export function readLegacyGroups(root: Hdf5Group, path: string): Map<string, Hdf5Group> {
  const groups = new Map<string, Hdf5Group>();
  for (const name of readNames(root, 'layer_names', path)) {
    const group = findGroup(root, name);
    if (!group)
      throw createWeightsFileError(`${path}/${name}`, 'a group for every layer in layer_names', 'no group');
    groups.set(name, group);
  }
  return groups;
}

/** Reads a layer's weights from its group in a Keras 3 file, sorted by their numeric dataset names (`0`, `1`, ...). */
export function readContainerWeights(group: Hdf5Group, path: string): StoredWeight[] {
  const { arrays = {} } = group.groups.vars ?? {};
  return Object.keys(arrays)
    .sort((a, b) => Number(a) - Number(b))
    .map((name) => ({ name, array: arrays[name]!, path: `${path}/vars/${name}` }));
}

/** Converts a stored weight to float32. Throws a `file` error if a number is NaN or infinite. */
export function toFiniteNumbers({ array: { data }, path: weightPath }: StoredWeight): Float32Array {
  const numbers = data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
  // A single sum detects any NaN or infinity: 0 times such a number is NaN, and NaN persists in the sum.
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i]! * 0;
  if (sum === 0) return numbers;
  const at = numbers.findIndex((value) => !Number.isFinite(value));
  throw createWeightsFileError(weightPath, 'finite numbers', `${numbers[at]} at index ${at}`);
}

/** Weights of a file, keyed by layer and weight name. */
export interface WeightsByLayer {
  readonly [layer: string]: { readonly [weight: string]: HostArray };
}

/**
 * Reads the weights of a file, keyed by layer and weight name, for example `{ conv1_conv: { kernel, bias }, … }`. The layers are in file
 * order. A layer without weights has an empty record.
 *
 * - Legacy layout: the name of a weight is the last segment of its path. In a nested model, the name is the path without the model name,
 *   for example `conv/kernel`.
 * - Keras 3: weights have no names, so their indices are used (`0`, `1`). Layers of a nested model are listed as `model/layer`.
 *
 * @returns The weights as `layers`. `whole` is true if the file contains a model and not only weights. `range` is present if this library
 *   wrote the file: the numbers to which the model maps the pixel values 0 and 255 before its first layer other than `Rescaling`.
 * @throws A `file` error if the file is corrupted, or a weight is missing or not finite.
 */
export async function readKerasWeights(
  bytes: Uint8Array,
  path: string,
): Promise<{ readonly layers: WeightsByLayer; readonly whole: boolean; readonly range?: PixelRange }> {
  const file = await openKerasFile(bytes, path);
  const { weights, model } = file;
  if (!weights)
    throw createWeightsFileError(path, 'a file with weights', 'a file with a model but without weights');
  const { layout, root, path: weightsPath } = weights;
  const layers =
    layout === 'legacy' ? readLegacyByLayer(root, weightsPath) : readContainersByLayer(root, weightsPath);
  const range = readPixelRange(file);
  return { layers, whole: model !== undefined, ...(range && { range }) };
}

function readPixelRange({ model, taskTable }: KerasFile): PixelRange | undefined {
  const range = taskTable?.at('input').at('range');
  if (!model || !range || range.isMissing) return undefined;
  const [black, white] = range.items().map((part) => part.asNumber()) as [number, number];
  const [, first] = model.at('config').at('layers').items();
  if (first?.at('class_name').value !== 'Rescaling') return [black, white];
  const { scale, offset } = {
    scale: first.at('config').at('scale').asNumber(),
    offset: first.at('config').at('offset').asNumber(0),
  };
  return [black * scale + offset, white * scale + offset];
}

const toHostArray = (weight: StoredWeight): HostArray => ({
  shape: weight.array.shape,
  data: toFiniteNumbers(weight),
});

function readLegacyByLayer(root: Hdf5Group, path: string): WeightsByLayer {
  const layers = [...readLegacyGroups(root, path)].map(([layer, group]) => {
    const storedWeights = readLegacyWeights(group, `${path}/${layer}`);
    const nameParts = storedWeights.map(({ name }) => name.split('/'));
    // The paths of one layer's weights differ only in the last segment. In a nested model, the layer's name is also needed, which may
    // contain slashes.
    let parts = new Set(nameParts.map((name) => name.at(-2))).size > 1 ? 2 : 1;
    const maxParts = nameParts.reduce((max, name) => Math.max(max, name.length), 1);
    const shortenName = (i: number) => nameParts[i]!.slice(-parts).join('/');
    const areUnique = () => new Set(nameParts.map((_, i) => shortenName(i))).size === nameParts.length;
    while (parts < maxParts && !areUnique()) parts++;
    return [layer, indexByName(storedWeights, (_, i) => shortenName(i))] as const;
  });
  return Object.fromEntries(layers);
}

function readContainersByLayer(root: Hdf5Group, path: string, prefix = ''): WeightsByLayer {
  const container = getLayerContainer(root);
  const layers = Object.entries(container.layers).flatMap(([key, group]) => {
    const name = `${prefix}${getContainerName(group) ?? key}`;
    const layerPath = `${path}/${container.name}/${key}`;
    return [
      [name, indexByName(readContainerWeights(group, layerPath), ({ name: number }) => number)] as const,
      ...Object.entries(readContainersByLayer(group, layerPath, `${name}/`)),
    ];
  });
  return Object.fromEntries(layers);
}

function indexByName(
  storedWeights: readonly StoredWeight[],
  getName: (weight: StoredWeight, i: number) => string,
): { [weight: string]: HostArray } {
  const weights = new Map<string, HostArray>();
  storedWeights.forEach((weight, i) => {
    const name = getName(weight, i);
    if (weights.has(name))
      throw createWeightsFileError(weight.path, 'a unique weight name', 'a second weight with that name');
    weights.set(name, toHostArray(weight));
  });
  return Object.fromEntries(weights);
}

function readNames(group: Hdf5Group, name: string, path: string): string[] {
  try {
    return readNameList(group, name);
  } catch (cause) {
    if (!isMultitaskError(cause)) throw cause;
    throw createWeightsFileError(`${path}: ${cause.path}`, cause.expected, cause.received);
  }
}

function findGroup(root: Hdf5Group, name: string): Hdf5Group | undefined {
  return name
    .split('/')
    .reduce<Hdf5Group | undefined>(
      (group, part) => (group && Object.hasOwn(group.groups, part) ? group.groups[part] : undefined),
      root,
    );
}

function findDataset(root: Hdf5Group, name: string): Hdf5Dataset | undefined {
  const parts = name.split('/');
  const group = parts.length === 1 ? root : findGroup(root, parts.slice(0, -1).join('/'));
  const last = parts.at(-1)!;
  return group && Object.hasOwn(group.arrays, last) ? group.arrays[last] : undefined;
}
