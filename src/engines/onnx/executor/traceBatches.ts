import type { NamedArrays } from '../../../core/arrays.js';
import type { PixelRange } from '../../../core/images.js';
import { createRng } from '../../../core/rng.js';
import type { Network } from '../../../network/network.js';
import { drawDropoutMasks } from '../../../steps/dropoutMasks.js';
import { toInputName } from '../../../steps/stepArrays.js';

/** Returns the keys of the image inputs among the input arrays of a training step. */
export const getImageNames = (network: Network): readonly string[] =>
  network.graph.inputs.map(({ name }) => toInputName(name));

/**
 * Creates the input arrays for tracing a training step with `count` examples. Variant 0 contains the examples in `arrays`, with noise added
 * to the images. Variant 1 contains different images, labels, dropout masks and learning rates.
 */
export function createTraceBatch(
  network: Network,
  arrays: NamedArrays,
  count: number,
  variant: 0 | 1,
): NamedArrays {
  const imageNames = getImageNames(network);
  const batchSize = arrays[imageNames[0]!]!.shape[0]!;
  const batch = addImageNoise(takeExamples(arrays, batchSize, count), imageNames, network.input.range);
  return variant === 0 ? batch : varyBatch(network, imageNames, batch, count);
}

/** Returns the first `count` examples of a batch. If the batch has fewer examples, its examples are repeated. */
function takeExamples(arrays: NamedArrays, batchSize: number, count: number): NamedArrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => {
      if (shape[0] !== batchSize || shape.length === 0) return [name, { shape, data }];
      const size = data.length / batchSize;
      const examples = new Float32Array(count * size);
      for (let i = 0; i < count; i++) {
        const start = (i % batchSize) * size;
        examples.set(data.subarray(start, start + size), i * size);
      }
      return [name, { shape: [count, ...shape.slice(1)], data: examples }];
    }),
  );
}

/**
 * Adds noise with an amplitude of 1/20 of the value range to the images. Without noise, images of a single color could not be used to
 * verify a graph: batch normalization would reduce them to rounding errors, and these errors would decide which ReLU units are active.
 */
function addImageNoise(
  arrays: NamedArrays,
  imageNames: readonly string[],
  [black, white]: PixelRange,
): NamedArrays {
  const random = createRng(0, 'recorded images');
  const noisyImages = imageNames.map((name) => {
    const { shape, data } = arrays[name]!;
    const [min, max] = data.reduce(
      ([low, high], x) => [Math.min(low, x), Math.max(high, x)],
      [Infinity, -Infinity],
    );
    const spread = max > min ? max - min : white - black;
    return [name, { shape, data: data.map((x) => x + 0.05 * spread * (random.next() - 0.5)) }] as const;
  });
  return { ...arrays, ...Object.fromEntries(noisyImages) };
}

/** Returns a copy of a batch with different images, labels, dropout masks and learning rates. */
function varyBatch(
  network: Network,
  imageNames: readonly string[],
  arrays: NamedArrays,
  count: number,
): NamedArrays {
  const variedArrays = Object.entries(arrays).map(([name, { shape, data }]) => {
    if (imageNames.includes(name)) return [name, { shape, data: data.slice().reverse() }] as const;
    if (shape.length === 0) return [name, { shape, data: data.map((x) => x * 0.75) }] as const;
    const exampleSize = data.length / count;
    const rotated = new Float32Array(data.length);
    rotated.set(data.subarray(exampleSize));
    rotated.set(data.subarray(0, exampleSize), data.length - exampleSize);
    return [name, { shape, data: rotated }] as const;
  });
  return { ...Object.fromEntries(variedArrays), ...drawDropoutMasks(network, count, 1, 1, 1) };
}
