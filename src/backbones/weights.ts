import { fault } from '../core/errors.js';
import type { Row } from './table.js';

/** A layer of a file of weights. */
export interface FileLayer {
  readonly name: string;
  /** In Keras's order; names without their path: `kernel`, `moving_mean`. */
  readonly weights: readonly FileWeight[];
}

/** A tensor of a file of weights. */
export interface FileWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The arrays of every row that has weights, in the order of its layer's weights. */
export type RowWeights = ReadonlyMap<string, readonly Float32Array[]>;

/** A layer that a file of weights must hold. */
export interface WeightedLayer {
  readonly name: string;
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** What a table's weights are, by Keras's names and in its order; rows without any are left out. */
export function weightedLayers(rows: readonly Row[]): WeightedLayer[] {
  const channels = new Map<string, number>();
  let before = 3;
  const layers = rows.map(({ name, layer, from }) => {
    const input = from.length > 0 ? channels.get(from[0]!)! : before;
    before = layer.kind === 'conv' ? layer.filters : layer.kind === 'dense' ? layer.units : input;
    channels.set(name, before);
    return { name, weights: weightsOf(layer, input) };
  });
  return layers.filter(({ weights }) => weights.length > 0);
}

function weightsOf(layer: Row['layer'], input: number): WeightedLayer['weights'] {
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
 * The arrays for `wanted`, from the layers of a file: by name; by order where no name fits, as Keras reads its files, if
 * every shape agrees.
 *
 * @param file - Its name, for errors.
 * @throws `file` fault naming the file and the tensor: missing, of another shape, not finite, or one that the backbone
 *   has no place for.
 */
export function matchWeights(
  file: string,
  backbone: string,
  wanted: readonly WeightedLayer[],
  layers: readonly FileLayer[],
): RowWeights {
  const held = layers.filter(({ weights }) => weights.length > 0);
  const names = new Set(wanted.map(({ name }) => name));
  const byName = new Map(held.map((layer) => [layer.name, layer]));
  const fits = held.some(({ name }) => names.has(name));
  const wrong = (
    place: string,
    expected: string,
    received: string,
    advice = `Is it a file of ${backbone}?`,
  ) => fault({ kind: 'file', path: place === '' ? file : `${file}: ${place}`, expected, received, advice });
  if (!fits && held.length !== wanted.length) {
    throw wrong('', `the ${wanted.length} layers of ${backbone} that have weights`, `${held.length} others`);
  }
  const extra = held.find(({ name }) => fits && !names.has(name));
  if (extra) {
    const top = extra.name === 'predictions' ? 'Give top: true, or a file without its top.' : undefined;
    throw wrong(extra.name, `a layer of ${backbone}`, 'one that it has no place for', top);
  }
  return new Map(
    wanted.map(({ name, weights }, i) => {
      const found = fits ? byName.get(name) : held[i];
      const there = fits ? name : `${found!.name} (for ${name})`;
      if (!found) {
        const top = name === 'predictions' ? 'Leave top out, or give the file with its top.' : undefined;
        throw wrong(name, `a layer of ${backbone}`, 'nothing', top);
      }
      const surplus = found.weights[weights.length];
      if (surplus) throw wrong(`${there}/${surplus.name}`, `${weights.length} tensors`, 'one more');
      return [name, weights.map((weight, j) => checked(found.weights[j], weight, there, wrong))];
    }),
  );
}

function checked(
  found: FileWeight | undefined,
  { name, shape }: WeightedLayer['weights'][number],
  layer: string,
  wrong: (place: string, expected: string, received: string, advice?: string) => Error,
): Float32Array {
  const show = (sides: readonly number[]) => `[${sides.join(', ')}]`;
  const place = `${layer}/${name}`;
  if (!found) throw wrong(place, `a tensor ${show(shape)}`, 'nothing');
  if (found.shape.join() !== shape.join()) {
    throw wrong(place, `a tensor ${show(shape)}`, show(found.shape));
  }
  const bad = found.data.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return found.data;
  throw wrong(place, 'finite numbers', `${found.data[bad]} at place ${bad}`, 'The file is damaged.');
}
