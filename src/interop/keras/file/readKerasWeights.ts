import type { HostArray } from '../../../core/arrays.js';
import type { PixelRange } from '../../../core/images.js';
import type { Hdf5Group } from '../../../formats/hdf5/hdf5Group.js';
import { type KerasFile, openKerasFile } from './openKerasFile.js';
import {
  createWeightsFileError,
  getContainerLayers,
  getContainerName,
  readContainerWeights,
  readLegacyGroups,
  readLegacyWeights,
  type StoredWeight,
  toFiniteNumbers,
} from './weightFiles.js';

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
