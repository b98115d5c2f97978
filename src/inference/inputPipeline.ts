import type { HostArray } from '../core/arrays.js';
import type { PixelRange } from '../core/images.js';
import type { Batch, Dataset } from '../data/dataset.js';
import { type Engine, readTensor } from '../engines/engine.js';
import type { FrozenSplit } from '../network/frozenSplit.js';
import { tf } from '../tensor/tf.js';
import { FeatureCache, type ImageFeatures } from './featureCache.js';
import { rescaleImages } from './rescaleImages.js';

/**
 * Pipeline that prepares the inputs of a training step from a batch of images: it rescales the pixels and runs the frozen layers. The
 * frozen layers run in inference mode and outside the gradient computation. With a feature cache, they run only once per image.
 */
export class InputPipeline {
  /** @param featureCache - Cache for the outputs of the frozen layers. It is used only for images that are the same in every epoch. */
  constructor(
    readonly engine: Engine,
    readonly frozenSplit: FrozenSplit,
    readonly range: PixelRange,
    readonly featureCache?: FeatureCache,
  ) {}

  /**
   * Returns whether the features of these images are cached. If so, {@link computeInputs} needs no pixels, and the images need not be
   * loaded.
   */
  readonly isCached = (dataset: Dataset<any>, indices: readonly number[]): boolean =>
    this.#getFeatureCache(dataset)?.getCached(dataset, indices) !== undefined;

  /**
   * Returns the inputs of the trainable layers for a batch, one array per input: rescaled images, or features if some layers are frozen.
   */
  async computeInputs(
    dataset: Dataset<any>,
    { indices, pixels, count }: Batch,
  ): Promise<readonly HostArray[]> {
    const { frozenGraph } = this.frozenSplit;
    const rescaleRows = (rows: readonly number[]) => {
      const size = pixels.length / count;
      const some = new Float32Array(rows.length * size);
      rows.forEach((row, i) => {
        some.set(pixels.subarray(row * size, (row + 1) * size), i * size);
      });
      return rescaleImages(some, [rows.length, ...dataset.shape], this.range);
    };
    const rescaleAll = () => rescaleImages(pixels, [count, ...dataset.shape], this.range);
    if (!frozenGraph) return [rescaleAll()];
    const features = this.#getFeatureCache(dataset);
    if (!features) return this.#runFrozenLayers(rescaleAll());
    const compute = (rows: readonly number[]) =>
      this.#runFrozenLayers(rows.length === count ? rescaleAll() : rescaleRows(rows));
    const found =
      features.getCached(dataset, indices) ??
      (await features.getOrCompute(dataset, indices, pixels, compute));
    return this.frozenSplit.trainableGraph.inputs.map(({ shape }, i) => stackFeatures(found, i, shape));
  }

  #getFeatureCache(dataset: Dataset<any>): FeatureCache | undefined {
    return FeatureCache.isCacheable(dataset) ? this.featureCache : undefined;
  }

  async #runFrozenLayers(images: HostArray): Promise<HostArray[]> {
    const outputs = await this.engine.forward(this.frozenSplit.frozenGraph!, [images]);
    try {
      return await Promise.all(outputs.map(readTensor));
    } finally {
      tf.dispose(outputs);
    }
  }
}

/** Stacks the features of all images in a batch into one array, for output `i` of the frozen graph. */
function stackFeatures(features: readonly ImageFeatures[], i: number, shape: readonly number[]): HostArray {
  const size = features[0]![i]!.length;
  const data = new Float32Array(features.length * size);
  features.forEach((feature, row) => {
    data.set(feature[i]!, row * size);
  });
  return { shape: [features.length, ...shape], data };
}
