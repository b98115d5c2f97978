/** Weights and examples that depend only on names, and equal those in `keras/common.py`. */

import * as tf from '@tensorflow/tfjs';
import type { ImageShape } from '../../src/core/images.js';
import { type Dataset, imagesInMemory } from '../../src/entries/node.js';
import { hashes, imageBytes, uniform } from './noise.js';

export const GENDERS = ['male', 'female'] as const;

/** Sets every weight of a model to values that depend only on the weight's name. */
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

/** Returns the range of a weight's values, as `bounds` in common.py does. */
export function bounds(kind: string, shape: readonly number[]): [low: number, high: number] {
  if (kind === 'gamma' || kind === 'moving_variance') return [0.5, 1.5];
  if (!kind.endsWith('kernel')) return [-0.1, 0.1];
  const window = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const limit = Math.sqrt(6 / (window * (shape.at(-2)! + shape.at(-1)!)));
  return [-limit, limit];
}

/** Creates images of uniform squares with sides of `block` pixels, with ages from 0 to 80 and genders. */
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

/** Returns a model's weights, including moving statistics, keyed by name. */
export function weightsOf(model: tf.LayersModel): Record<string, Float32Array> {
  return Object.fromEntries(
    model.weights.map((weight) => [weight.originalName, (weight.read().dataSync() as Float32Array).slice()]),
  );
}
