/** The same weights and examples as `keras/common.py` makes, from names alone. */
import type { ImageShape } from '../../src/core/images.js';
import { type Dataset, imagesInMemory } from '../../src/entries/node.js';
import { tf } from '../../src/tensor/tf.js';
import { hashes, imageBytes, uniform } from './noise.js';

export const GENDERS = ['male', 'female'] as const;

/** Gives every weight of a model numbers that follow from its name. */
export function fill(model: tf.LayersModel, prefix: string): void {
  for (const weight of model.weights) {
    const shape = weight.shape as number[];
    const kind = weight.originalName.split('/').at(-1)!;
    const [low, high] = bounds(kind, shape);
    const values = tf.tensor(uniform(`${prefix}/${weight.originalName}`, shape, low, high), shape);
    weight.write(values);
    values.dispose();
  }
}

/** As `bounds` of common.py. */
export function bounds(kind: string, shape: readonly number[]): [low: number, high: number] {
  if (kind === 'gamma' || kind === 'moving_variance') return [0.5, 1.5];
  if (!kind.endsWith('kernel')) return [-0.1, 0.1];
  const window = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const limit = Math.sqrt(6 / (window * (shape.at(-2)! + shape.at(-1)!)));
  return [-limit, limit];
}

/** Images of squares of one colour with sides of `block` pixels, with ages 0..80 and genders. */
export function faces(
  name: string,
  count: number,
  shape: ImageShape,
  block = 1,
): Dataset<{ age: number; gender: 'male' | 'female' }> {
  const [height, width, channels] = shape;
  const squares = imageBytes(`${name}/image`, [count, height / block, width / block, channels]);
  const ages = uniform(`${name}/age`, [count], 0, 80);
  const genders = hashes(`${name}/gender`, count);
  const pixels = (image: number) =>
    Uint8Array.from({ length: height * width * channels }, (_, at) => {
      const [row, column] = [Math.floor(at / channels / width), Math.floor(at / channels) % width];
      const line = image * (height / block) + Math.floor(row / block);
      return squares[(line * (width / block) + Math.floor(column / block)) * channels + (at % channels)]!;
    });
  return imagesInMemory(
    Array.from({ length: count }, (_, i) => ({
      image: { data: pixels(i), height, width, channels },
      labels: { age: ages[i]!, gender: GENDERS[genders[i]! >>> 31]! },
    })),
  );
}

/** A model's weights by name, moving statistics included. */
export function weightsOf(model: tf.LayersModel): Record<string, Float32Array> {
  return Object.fromEntries(
    model.weights.map((weight) => [weight.originalName, (weight.read().dataSync() as Float32Array).slice()]),
  );
}
