import { formatShape, type HostArray } from '../core/arrays.js';
import { createFileError } from '../core/errors/errors.js';
import type { WeightsByLayer } from '../interop/keras/file/weightFiles.js';
import type { BackboneRow } from './backboneRows.js';

/** Arrays of each row that has weights, keyed by row name, in the order of the layer's weights. */
export type RowWeights = ReadonlyMap<string, readonly Float32Array[]>;

/** A layer that a weight file must contain. */
export interface WeightedLayer {
  readonly name: string;
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** Lists the layers of a table that have weights, with Keras's names and in Keras's order. */
export function listWeightedLayers(rows: readonly BackboneRow[]): WeightedLayer[] {
  const channels = new Map<string, number>();
  let previous = 3;
  const layers = rows.map(({ name, layer, from }) => {
    const input = from.length > 0 ? channels.get(from[0]!)! : previous;
    previous = layer.kind === 'conv' ? layer.filters : layer.kind === 'dense' ? layer.units : input;
    channels.set(name, previous);
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
 * Finds the arrays of the `expected` layers in a file by name. If a name is missing, finds them by order, as Keras does, because some
 * official files have older names. In that case the number of layers, all shapes and the positions of all matching names must agree.
 *
 * @param file - Name of the file, for error messages.
 * @param whole - Whether the file is a model that contains the backbone. Other layers of such a model are ignored, unless their names
 *   belong to a larger backbone of the same kind.
 * @throws `file` error that names the file and the tensor, for a missing tensor, a tensor of a different shape, or a tensor that the
 *   backbone does not have.
 */
export function matchWeights(
  file: string,
  backbone: string,
  expected: readonly WeightedLayer[],
  stored: WeightsByLayer,
  whole = false,
): RowWeights {
  const layers = Object.entries(stored).filter(([, weights]) => Object.keys(weights).length > 0);
  const storedLayers = new Map(layers);
  const names = new Set(expected.map(({ name }) => name));
  const inOrder = () =>
    layers.length === expected.length &&
    layers.every(([name, weights], i) => {
      const arrays = Object.values(weights);
      return (
        (!names.has(name) || name === expected[i]!.name) &&
        arrays.map(({ shape }) => shape.join()).join(';') ===
          expected[i]!.weights.map(({ shape }) => shape.join()).join(';')
      );
    });
  if (!expected.every(({ name }) => storedLayers.has(name)) && inOrder()) {
    return new Map(
      expected.map(({ name }, i) => [
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
  const sameKind = new RegExp(`^(${[...new Set([...names].map(toBlockPattern))].join('|')})$`);
  const extra = layers.find(([name]) => !names.has(name) && (!whole || sameKind.test(name)));
  if (extra) {
    const topAdvice =
      extra[0] === 'predictions'
        ? 'Pass includeTop: true, or pass a file without the classification layer.'
        : undefined;
    throw createMismatchError(
      extra[0],
      `only the ${expected.length} layers of ${backbone} that have weights`,
      'an additional layer',
      topAdvice,
    );
  }
  return new Map(
    expected.map(({ name, weights }) => {
      const found = storedLayers.get(name);
      if (found) return [name, matchLayerArrays(name, weights, found, createMismatchError)];
      const topAdvice =
        name === 'predictions' ? 'Omit includeTop, or pass a file with the classification layer.' : undefined;
      throw createMismatchError(name, `weights of this layer of ${backbone}`, 'no weights for it', topAdvice);
    }),
  );
}

/** Returns a pattern that matches the names of the same layer in all blocks, such as `conv4_block23_1_conv` and `conv4_block1_1_conv`. */
const toBlockPattern = (name: string) => name.replaceAll(/\d+[a-z]?(?=_)/g, '\\d+[a-z]?');

type CreateMismatchError = (weightPath: string, expected: string, received: string, advice?: string) => Error;

/** Finds the arrays of a layer by name, or by position if the file has different names: numbers, or `depthwise_kernel` in Keras 2. */
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
