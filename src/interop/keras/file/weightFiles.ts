import { createError, isMultitaskError } from '../../../core/errors/errors.js';
import { type Hdf5Dataset, type Hdf5Group, readNameList } from '../../../formats/hdf5/hdf5Group.js';

/** A weight as a file holds it. */
export interface StoredWeight {
  /** Legacy: `conv1/kernel`, without `:0`. Keras 3: its number. */
  readonly name: string;
  readonly array: Hdf5Dataset;
  /** For errors. */
  readonly path: string;
}

export const createWeightsFileError = (path: string, expected: string, received: string) =>
  createError({ kind: 'file', path, expected, received, advice: 'Save the file anew with Keras.' });

/** The weights of one group of a legacy file, nested layers' too, in the order of its `weight_names`. */
export function readLegacyWeights(group: Hdf5Group, path: string): StoredWeight[] {
  return readNames(group, 'weight_names', path).map((name) => {
    const place = `${path}/${name}`;
    const array = findDataset(group, name);
    if (!array)
      throw createWeightsFileError(place, 'the numbers of a weight that weight_names lists', 'nothing');
    return { name: name.replace(/:\d+$/, ''), array, path: place };
  });
}

/** Groups of a legacy file by layer, in the order of `layer_names`. */
export function readLegacyGroups(root: Hdf5Group, path: string): Map<string, Hdf5Group> {
  const groups = new Map<string, Hdf5Group>();
  for (const name of readNames(root, 'layer_names', path)) {
    const group = findGroup(root, name);
    if (!group)
      throw createWeightsFileError(
        `${path}/${name}`,
        'a group for a layer that layer_names lists',
        'nothing',
      );
    groups.set(name, group);
  }
  return groups;
}

/** The weights in a layer's group of a Keras 3 file, by number. */
export function readContainerWeights(group: Hdf5Group, path: string): StoredWeight[] {
  const { arrays = {} } = group.groups.vars ?? {};
  return Object.keys(arrays)
    .sort((a, b) => Number(a) - Number(b))
    .map((name) => ({ name, array: arrays[name]!, path: `${path}/vars/${name}` }));
}

/** The groups of the layers in a container of a Keras 3 file, by key: `conv2d_1`. Keras 2.13 called it otherwise. */
export function getContainerLayers(group: Hdf5Group): { readonly [key: string]: Hdf5Group } {
  return (group.groups.layers ?? group.groups._layer_checkpoint_dependencies)?.groups ?? {};
}

/** What Keras 3 called the layer whose group this is; undefined in files of its first versions. */
export function getContainerName({ groups: { vars } }: Hdf5Group): string | undefined {
  const name = vars && Object.hasOwn(vars.attributes, 'name') ? vars.attributes.name : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** The numbers of a stored weight as float32. Throws a `file` fault where one is NaN or infinite. */
export function toFiniteNumbers({ array: { data }, path: place }: StoredWeight): Float32Array {
  const numbers = data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
  // One sum finds them all: what is not finite stays so, and float32 sums in a double do not overflow.
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i]! * 0;
  if (sum === 0) return numbers;
  const at = numbers.findIndex((value) => !Number.isFinite(value));
  throw createWeightsFileError(place, 'finite numbers', `${numbers[at]} at place ${at}`);
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

export function readNames(group: Hdf5Group, name: string, path: string): string[] {
  try {
    return readNameList(group, name);
  } catch (cause) {
    if (!isMultitaskError(cause)) throw cause;
    throw createWeightsFileError(`${path}: ${cause.path}`, cause.expected, cause.received);
  }
}
