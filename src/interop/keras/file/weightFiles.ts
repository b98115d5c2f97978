import type { HostArray } from '../../../core/arrays.js';
import { createError, isMultitaskError } from '../../../core/errors/errors.js';
import type { PixelRange } from '../../../core/images.js';
import { type Hdf5Dataset, type Hdf5Group, readNameList } from '../../../formats/hdf5/hdf5Group.js';
import { type KerasFile, openKerasFile } from './openKerasFile.js';

/** A weight as a file holds it. */
export interface StoredWeight {
  /** Legacy: `conv1/kernel`, without `:0`. Keras 3: its number. */
  readonly name: string;
  readonly array: Hdf5Dataset;
  /** For errors. */
  readonly path: string;
}

const createWeightsFileError = (path: string, expected: string, received: string) =>
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

/** Weights of a file by layer and name. */
export interface WeightsByLayer {
  readonly [layer: string]: { readonly [weight: string]: HostArray };
}

/**
 * The weights of a file by layer and name: `{ conv1_conv: { kernel, bias }, … }`, layers in the order of the file, those
 * without weights with an empty record. In a legacy file the names are the stored ones' last parts (of a nested model's,
 * all but the model's: `conv/kernel`); in a Keras 3 file, which has no names of weights, their numbers, and
 * the layers of a nested model stand under `model/layer`.
 *
 * `whole` says that the file is of a model, not of weights alone; `range`, where this library wrote it, what the bytes 0 and 255
 * are at the first layer that is not a rescaling.
 *
 * @throws `file` fault for a damaged file, a weight that is not there, or is not finite.
 */
export async function readKerasWeights(
  bytes: Uint8Array,
  path: string,
): Promise<{ readonly layers: WeightsByLayer; readonly whole: boolean; readonly range?: PixelRange }> {
  const file = await openKerasFile(bytes, path);
  const { weights, model } = file;
  if (!weights) throw createWeightsFileError(path, 'weights', 'a model without them');
  const { layout, root, path: place } = weights;
  const layers = layout === 'legacy' ? readLegacyByLayer(root, place) : readContainersByLayer(root, place);
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

const toHostArray = (stored: StoredWeight): HostArray => ({
  shape: stored.array.shape,
  data: toFiniteNumbers(stored),
});

function readLegacyByLayer(root: Hdf5Group, path: string): WeightsByLayer {
  const layers = [...readLegacyGroups(root, path)].map(([layer, group]) => {
    const stored = readLegacyWeights(group, `${path}/${layer}`);
    const names = stored.map(({ name }) => name.split('/'));
    // One layer's weights differ in their last part alone; a nested model's need the layer's too.
    const parts = new Set(names.map((name) => name.at(-2))).size > 1 ? 2 : 1;
    return [layer, indexByName(stored, (_, i) => names[i]!.slice(-parts).join('/'))] as const;
  });
  return Object.fromEntries(layers);
}

function readContainersByLayer(root: Hdf5Group, path: string, above = ''): WeightsByLayer {
  const layers = Object.entries(getContainerLayers(root)).flatMap(([key, group]) => {
    const name = `${above}${getContainerName(group) ?? key}`;
    const place = `${path}/layers/${key}`;
    return [
      [name, indexByName(readContainerWeights(group, place), ({ name: number }) => number)] as const,
      ...Object.entries(readContainersByLayer(group, place, `${name}/`)),
    ];
  });
  return Object.fromEntries(layers);
}

function indexByName(
  stored: readonly StoredWeight[],
  nameOf: (weight: StoredWeight, i: number) => string,
): { [weight: string]: HostArray } {
  const weights = new Map<string, HostArray>();
  stored.forEach((weight, i) => {
    const name = nameOf(weight, i);
    if (weights.has(name)) throw createWeightsFileError(weight.path, 'one weight of that name', 'a second');
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
