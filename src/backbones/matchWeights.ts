import { formatShape, type HostArray } from '../core/arrays.js';
import { createFileError } from '../core/errors/errors.js';
import type { WeightsByLayer } from '../interop/keras/file/weightFiles.js';
import type { BackboneRow } from './backboneRows.js';

/** The arrays of every row that has weights, in the order of its layer's weights. */
export type RowWeights = ReadonlyMap<string, readonly Float32Array[]>;

/** A layer that a file of weights must hold. */
export interface WeightedLayer {
  readonly name: string;
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** What a table's weights are, by Keras's names and in its order; rows without any are left out. */
export function listWeightedLayers(rows: readonly BackboneRow[]): WeightedLayer[] {
  const channels = new Map<string, number>();
  let before = 3;
  const layers = rows.map(({ name, layer, from }) => {
    const input = from.length > 0 ? channels.get(from[0]!)! : before;
    before = layer.kind === 'conv' ? layer.filters : layer.kind === 'dense' ? layer.units : input;
    channels.set(name, before);
    return { name, weights: getWeightSpecs(layer, input) };
  });
  return layers.filter(({ weights }) => weights.length > 0);
}

function getWeightSpecs(layer: BackboneRow['layer'], input: number): WeightedLayer['weights'] {
  switch (layer.kind) {
    case 'conv': {
      const kernel = { name: 'kernel', shape: [layer.size, layer.size, input, layer.filters] };
      return layer.useBias === false ? [kernel] : [kernel, { name: 'bias', shape: [layer.filters] }];
    }
    case 'depthwise':
      return [{ name: 'kernel', shape: [layer.size, layer.size, input, 1] }];
    case 'batchNorm':
      return ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) => ({ name, shape: [input] }));
    case 'dense':
      return [
        { name: 'kernel', shape: [input, layer.units] },
        { name: 'bias', shape: [layer.units] },
      ];
    default:
      return [];
  }
}

/**
 * The arrays for `wanted`, from the layers of a file: by name; by order where that fails, as Keras reads its files, since
 * some official ones have older names. Then the count, every shape, and the place of every name that is known must agree.
 *
 * @param file - Its name, for errors.
 * @param whole - The file is of a model that contains the backbone: layers beside it are passed over, unless their names say
 *   that they are of a larger one of its kind.
 * @throws `file` fault naming the file and the tensor: missing, of another shape, or one that the backbone has no place for.
 */
export function matchWeights(
  file: string,
  backbone: string,
  wanted: readonly WeightedLayer[],
  stored: WeightsByLayer,
  whole = false,
): RowWeights {
  const layers = Object.entries(stored).filter(([, weights]) => Object.keys(weights).length > 0);
  const held = new Map(layers);
  const names = new Set(wanted.map(({ name }) => name));
  const inOrder = () =>
    layers.length === wanted.length &&
    layers.every(([name, weights], i) => {
      const arrays = Object.values(weights);
      return (
        (!names.has(name) || name === wanted[i]!.name) &&
        arrays.map(({ shape }) => shape.join()).join(';') ===
          wanted[i]!.weights.map(({ shape }) => shape.join()).join(';')
      );
    });
  if (!wanted.every(({ name }) => held.has(name)) && inOrder()) {
    return new Map(
      wanted.map(({ name }, i) => [
        name,
        Object.values(layers[i]![1]).map(({ data }) => data as Float32Array),
      ]),
    );
  }
  const createMismatchError: CreateMismatchError = (
    weightPath,
    expected,
    received,
    advice = `Check that the file contains the weights of ${backbone}.`,
  ) => createFileError(`${file}: ${weightPath}`, expected, received, advice);
  const kin = new RegExp(`^(${[...new Set([...names].map(toBlockPattern))].join('|')})$`);
  const extra = layers.find(([name]) => !names.has(name) && (!whole || kin.test(name)));
  if (extra) {
    const topAdvice =
      extra[0] === 'predictions'
        ? 'Pass top: true, or give a file without the classification layer.'
        : undefined;
    throw createMismatchError(
      extra[0],
      `only the ${wanted.length} layers of ${backbone} that have weights`,
      'an additional layer',
      topAdvice,
    );
  }
  return new Map(
    wanted.map(({ name, weights }) => {
      const found = held.get(name);
      if (found) return [name, matchLayerArrays(name, weights, found, createMismatchError)];
      const topAdvice =
        name === 'predictions' ? 'Omit top, or give a file with the classification layer.' : undefined;
      throw createMismatchError(name, `weights of this layer of ${backbone}`, 'no weights for it', topAdvice);
    }),
  );
}

/** What a layer's name has in common with those of other blocks: `conv4_block23_1_conv` and `conv4_block1_1_conv`. */
const toBlockPattern = (name: string) => name.replaceAll(/\d+[a-z]?(?=_)/g, '\\d+[a-z]?');

type CreateMismatchError = (weightPath: string, expected: string, received: string, advice?: string) => Error;

/** By name, or by place where a file has other names: numbers, or `depthwise_kernel` of Keras 2. */
function matchLayerArrays(
  layer: string,
  wanted: WeightedLayer['weights'],
  found: { readonly [weight: string]: HostArray },
  createMismatchError: CreateMismatchError,
): Float32Array[] {
  const known = Object.keys(found);
  const named = wanted.some(({ name }) => known.includes(name));
  const keys = named ? wanted.map(({ name }) => name) : known;
  const surplus = known.find((key, i) => (named ? !keys.includes(key) : i >= wanted.length));
  if (surplus !== undefined)
    throw createMismatchError(`${layer}/${surplus}`, `only ${wanted.length} tensors`, 'an additional tensor');
  return wanted.map(({ name, shape }, i) => {
    const array = found[keys[i]!];
    const weightPath = `${layer}/${name}`;
    const expected = `a tensor of shape ${formatShape(shape)}`;
    if (!array) throw createMismatchError(weightPath, expected, 'no tensor');
    if (array.shape.join() !== shape.join())
      throw createMismatchError(weightPath, expected, `a tensor of shape ${formatShape(array.shape)}`);
    return array.data as Float32Array;
  });
}
