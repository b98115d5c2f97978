import type { HostArray } from '../core/arrays.js';
import type { PixelRange } from '../core/images.js';
import type { Batch, Dataset } from '../data/dataset.js';
import type { FrozenSplit } from '../network/frozenSplit.js';
import { tf } from '../tensor/tf.js';
import { FeatureCache, type ImageFeatures } from './featureCache.js';
import { forward, readTensor } from './forward.js';
import { rescaleImages } from './rescaleImages.js';

/**
 * Makes what the trained half of a network takes: images as numbers, or what the frozen half makes of them. That half runs in
 * inference mode, outside the recorded gradient, and once an image where its outputs are kept.
 */
export class InputPipeline {
  constructor(
    readonly frozenSplit: FrozenSplit,
    readonly range: PixelRange,
    readonly featureCache?: FeatureCache,
  ) {}

  /** Whether nothing has to be made of these images' pixels: {@link inputs} takes a batch without any. */
  readonly isCached = (dataset: Dataset<any>, indices: readonly number[]): boolean =>
    this.#getFeatureCache(dataset)?.getCached(dataset, indices) !== undefined;

  /** One array an input of the trained half. */
  async computeInputs(
    dataset: Dataset<any>,
    { indices, pixels, count }: Batch,
  ): Promise<readonly HostArray[]> {
    const { frozenGraph } = this.frozenSplit;
    const imagesIn = (rows: readonly number[]) => {
      const size = pixels.length / count;
      const some = new Float32Array(rows.length * size);
      rows.forEach((row, i) => {
        some.set(pixels.subarray(row * size, (row + 1) * size), i * size);
      });
      return rescaleImages(some, [rows.length, ...dataset.shape], this.range);
    };
    const all = () => rescaleImages(pixels, [count, ...dataset.shape], this.range);
    if (!frozenGraph) return [all()];
    const features = this.#getFeatureCache(dataset);
    if (!features) return this.#runFrozenLayers(all());
    const make = (rows: readonly number[]) =>
      this.#runFrozenLayers(rows.length === count ? all() : imagesIn(rows));
    const found =
      features.getCached(dataset, indices) ?? (await features.getOrCompute(dataset, indices, pixels, make));
    return this.frozenSplit.trainableGraph.inputs.map(({ shape }, i) => stackFeatures(found, i, shape));
  }

  #getFeatureCache(dataset: Dataset<any>): FeatureCache | undefined {
    return FeatureCache.isCacheable(dataset) ? this.featureCache : undefined;
  }

  async #runFrozenLayers(images: HostArray): Promise<HostArray[]> {
    const outputs = await forward(this.frozenSplit.frozenGraph!, [images]);
    try {
      return await Promise.all(outputs.map(readTensor));
    } finally {
      tf.dispose(outputs);
    }
  }
}

/** The `i`th arrays of some features, one above the other. */
function stackFeatures(features: readonly ImageFeatures[], i: number, shape: readonly number[]): HostArray {
  const size = features[0]![i]!.length;
  const data = new Float32Array(features.length * size);
  features.forEach((feature, row) => {
    data.set(feature[i]!, row * size);
  });
  return { shape: [features.length, ...shape], data };
}
