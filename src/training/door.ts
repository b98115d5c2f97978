import type { PixelRange } from '../core/images.js';
import type { Batch, Dataset } from '../data/dataset.js';
import type { NamedArray } from '../io/tensorFile.js';
import type { Halves } from '../models/halves.js';
import { tf } from '../tensor/tf.js';
import { imagesOf } from './batch.js';
import { type Feature, Features } from './features.js';
import { arrayOf, forward } from './forward.js';

/**
 * Makes what the trained half of a network takes: images as numbers, or what the frozen half makes of them. That half runs in
 * inference mode, outside the recorded gradient, and once an image where its outputs are kept.
 */
export class Door {
  constructor(
    readonly halves: Halves,
    readonly range: PixelRange,
    readonly features?: Features,
  ) {}

  /** Whether nothing has to be made of these images' pixels: {@link inputs} takes a batch without any. */
  readonly known = (dataset: Dataset<any>, indices: readonly number[]): boolean =>
    this.#features(dataset)?.at(dataset, indices) !== undefined;

  /** One array an input of the trained half. */
  async inputs(dataset: Dataset<any>, { indices, pixels, count }: Batch): Promise<readonly NamedArray[]> {
    const { frozen } = this.halves;
    const imagesIn = (rows: readonly number[]) => {
      const size = pixels.length / count;
      const some = new Float32Array(rows.length * size);
      rows.forEach((row, i) => {
        some.set(pixels.subarray(row * size, (row + 1) * size), i * size);
      });
      return imagesOf(some, [rows.length, ...dataset.shape], this.range);
    };
    const all = () => imagesOf(pixels, [count, ...dataset.shape], this.range);
    if (!frozen) return [all()];
    const features = this.#features(dataset);
    if (!features) return this.#run(all());
    const make = (rows: readonly number[]) => this.#run(rows.length === count ? all() : imagesIn(rows));
    const found = features.at(dataset, indices) ?? (await features.of(dataset, indices, pixels, make));
    return this.halves.trained.inputs.map(({ shape }, i) => stack(found, i, shape));
  }

  #features(dataset: Dataset<any>): Features | undefined {
    return Features.serve(dataset) ? this.features : undefined;
  }

  async #run(images: NamedArray): Promise<NamedArray[]> {
    const outputs = await forward(this.halves.frozen!, [images]);
    try {
      return await Promise.all(outputs.map(arrayOf));
    } finally {
      tf.dispose(outputs);
    }
  }
}

/** The `i`th arrays of some features, one above the other. */
function stack(features: readonly Feature[], i: number, shape: readonly number[]): NamedArray {
  const size = features[0]![i]!.length;
  const data = new Float32Array(features.length * size);
  features.forEach((feature, row) => {
    data.set(feature[i]!, row * size);
  });
  return { shape: [features.length, ...shape], data };
}
