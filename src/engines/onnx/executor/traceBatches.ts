import type { NamedArrays } from '../../../core/arrays.js';
import type { PixelRange } from '../../../core/images.js';
import { createRng } from '../../../core/rng.js';
import type { Network } from '../../../network/network.js';
import { drawDropoutMasks } from '../../../steps/dropoutMasks.js';
import { toInputName } from '../../../steps/stepArrays.js';

/** Returns the names of the step's inputs that are images. */
export const getImageNames = (network: Network): readonly string[] =>
  network.graph.inputs.map(({ name }) => toInputName(name));

/**
 * Returns the inputs of a traced step with `count` examples. Variant 0 has the examples of `arrays`, with noise on the images; in variant
 * 1 images, labels, masks and rates have other values.
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

/** Returns the first `count` examples of a batch, starting again at the first if the batch is smaller. */
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
 * Adds noise to the images, with a twentieth of their spread. On images of one color, batch normalization computes numbers that are zero but
 * for rounding, and rounding would then decide which relu is active.
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

/** Returns a batch in which images, labels, masks and rates have other values. */
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
