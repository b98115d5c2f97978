import { formatShape, type HostArray } from '../core/arrays.js';
import { createFileError } from '../core/errors/errors.js';
import type { WeightsByLayer } from '../interop/keras/file/weightFiles.js';
import type { BackboneRow } from './backboneRows.js';

/** Weights of a backbone, keyed by layer name. Each value lists the weights of a layer in the order of `layer.weights`. */
export type RowWeights = ReadonlyMap<string, readonly Float32Array[]>;

/** A layer whose weights a weights file must contain, with the names and shapes of these weights. */
export interface WeightedLayer {
  readonly name: string;
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** Lists the layers of a backbone table that have weights, with their names and order in Keras. */
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
 * Finds the weights of a backbone in a weights file by layer name. If a name is missing, the layers are matched by order, as in Keras,
 * because some official files contain older layer names. In that case, the number of layers and all shapes must match, and every layer
 * whose name is found must be at its expected position.
 *
 * @param file - Name of the file, for error messages.
 * @param whole - If true, the file is a whole model that contains the backbone, and layers that do not belong to the backbone are ignored.
 *   Layers whose names belong to a larger backbone of the same family are still an error.
 * @throws `file` error for a missing tensor, a tensor of a different shape, and a tensor that the backbone does not have. The error
 *   contains the name of the file and of the tensor.
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
    advice = `Pass a file with the weights of ${backbone}.`,
  ) => createFileError(`${file}: ${weightPath}`, expected, received, advice);
  const sameKind = new RegExp(`^(${[...new Set([...names].map(toBlockPattern))].join('|')})$`);
  const extra = layers.find(([name]) => !names.has(name) && (!whole || sameKind.test(name)));
  if (extra) {
    const topAdvice =
      extra[0] === 'predictions'
        ? 'Set includeTop: true, or pass a file without the classification layers.'
        : undefined;
    throw createMismatchError(
      extra[0],
      `only the ${expected.length} layers of ${backbone} that have weights`,
      'an additional layer with weights',
      topAdvice,
    );
  }
  return new Map(
    expected.map(({ name, weights }) => {
      const found = storedLayers.get(name);
      if (found) return [name, matchLayerArrays(name, weights, found, createMismatchError)];
      const topAdvice =
        name === 'predictions'
          ? 'Omit includeTop, or pass a file with the classification layers.'
          : undefined;
      throw createMismatchError(
        name,
        `the weights of this layer of ${backbone}`,
        'a file without this layer',
        topAdvice,
      );
    }),
  );
}

/**
 * Returns a pattern that matches a layer name with any block number. For `conv4_block1_1_conv`, the pattern also matches
 * `conv4_block23_1_conv`, which only a larger backbone has.
 */
const toBlockPattern = (name: string) => name.replaceAll(/\d+[a-z]?(?=_)/g, '\\d+[a-z]?');

type CreateMismatchError = (weightPath: string, expected: string, received: string, advice?: string) => Error;

/**
 * Finds the weights of a layer by name. If the file contains none of the expected names (for example only numbers, or `depthwise_kernel` in
 * Keras 2), matches the weights by position.
 */
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
    throw createMismatchError(
      `${layer}/${surplus}`,
      `only the ${wanted.length} weights of this layer`,
      'an additional weight',
    );
  return wanted.map(({ name, shape }, i) => {
    const array = found[keys[i]!];
    const weightPath = `${layer}/${name}`;
    const expected = `a tensor of shape ${formatShape(shape)}`;
    if (!array) throw createMismatchError(weightPath, expected, 'a file without this tensor');
    if (array.shape.join() !== shape.join())
      throw createMismatchError(weightPath, expected, `a tensor of shape ${formatShape(array.shape)}`);
    return array.data as Float32Array;
  });
}
