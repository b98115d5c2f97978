import { countElements, type HostArray, viewBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import type { Dataset } from '../data/dataset.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { LayerGraph } from '../network/layerGraph.js';

/** Features of one image: the outputs of the frozen layers, one array for each output of the frozen graph. */
export type ImageFeatures = readonly Float32Array[];

/**
 * Maximum size of all features in memory, in bytes. When it is reached, the features of further images are computed again in every epoch.
 */
const MAX_CACHED_BYTES = 2 * 2 ** 30;
/** Size in bytes that unsaved features must reach before they are written to a new file. */
const SHARD_BYTES = 32 * 2 ** 20;

/**
 * Cache for the features that the frozen layers compute from images. It keeps features in memory for later epochs, and in a store for later
 * runs. Images are identified by a digest of their pixels, and the frozen layers by a digest of their configuration and weights, so
 * outdated features are never used.
 */
export class FeatureCache {
  readonly #featuresByDigest = new Map<string, ImageFeatures>();
  /**
   * The cached features, keyed by dataset and by index of the image. Lookups by index need no pixels, so each image is loaded and hashed
   * only once per run.
   */
  readonly #featuresByIndex = new WeakMap<Dataset<any>, Map<number, ImageFeatures>>();
  #unsavedDigests: string[] = [];
  #cachedBytes = 0;
  readonly #bytesPerImage: number;

  constructor(
    readonly store: Store,
    /** Digest of the frozen layers, followed by the name of the engine, because engines round differently. */
    readonly digest: string,
    readonly outputs: LayerGraph['outputs'],
    readonly log: (line: string) => void,
  ) {
    this.#bytesPerImage = outputs.reduce((sum, { shape }) => sum + 4 * countElements(shape), 0);
  }

  /** Returns whether the images of a dataset are the same in every epoch. Only features of such images can be cached. */
  static isCacheable(dataset: Dataset<any>): boolean {
    return dataset.augmentation === null || dataset.augmentation.fixed;
  }

  /** Loads the features that earlier runs saved to the store. */
  async load(): Promise<void> {
    const files = await this.store.list(`${this.digest}/`);
    for (const name of files) if (name.endsWith('.safetensors')) await this.#readShard(name);
  }

  /**
   * Returns the cached features of the images with these indices. Returns undefined if the features of any of the images are not cached.
   */
  getCached(dataset: Dataset<any>, indices: readonly number[]): ImageFeatures[] | undefined {
    const byIndex = this.#featuresByIndex.get(dataset);
    const found = indices.map((index) => byIndex?.get(index));
    return found.every((feature) => feature !== undefined) ? found : undefined;
  }

  /**
   * Returns the features of all images in a batch. Features that are not cached yet are computed and added to the cache.
   *
   * @param compute - Runs the frozen layers on the images in these rows of the batch. Returns one array for each output of the frozen
   *   graph.
   */
  async getOrCompute(
    dataset: Dataset<any>,
    indices: readonly number[],
    pixels: Float32Array,
    compute: (rows: readonly number[]) => Promise<readonly HostArray[]>,
  ): Promise<ImageFeatures[]> {
    const size = pixels.length / indices.length;
    const keys = await Promise.all(
      indices.map((_, row) => sha256(viewBytes(pixels.subarray(row * size, (row + 1) * size)))),
    );
    const missing = keys.flatMap((key, row) => (this.#featuresByDigest.has(key) ? [] : [row]));
    const fresh = new Map<string, ImageFeatures>();
    if (missing.length > 0) {
      const outputs = await compute(missing);
      for (const [at, row] of missing.entries()) {
        const feature = outputs.map((array) => getRow(array, at).slice());
        fresh.set(keys[row]!, feature);
        if (this.#featuresByDigest.has(keys[row]!) || !this.#checkCapacity()) continue;
        this.#add(keys[row]!, feature);
        this.#unsavedDigests.push(keys[row]!);
      }
      if (this.#unsavedDigests.length * this.#bytesPerImage >= SHARD_BYTES) await this.flush();
    }
    const byIndex = this.#featuresByIndex.get(dataset) ?? new Map<number, ImageFeatures>();
    this.#featuresByIndex.set(dataset, byIndex);
    return keys.map((key, row) => {
      const cached = this.#featuresByDigest.get(key);
      if (cached) byIndex.set(indices[row]!, cached);
      return cached ?? fresh.get(key)!;
    });
  }

  /** Saves all features that are not yet in the store. Called at the end of each epoch and at the end of the run. */
  async flush(): Promise<void> {
    const keys = this.#unsavedDigests;
    if (keys.length === 0) return;
    this.#unsavedDigests = [];
    const arrays = Object.fromEntries(
      this.outputs.map(({ name, shape }, i) => {
        const size = countElements(shape);
        const data = new Float32Array(keys.length * size);
        keys.forEach((key, row) => {
          data.set(this.#featuresByDigest.get(key)![i]!, row * size);
        });
        return [name, { shape: [keys.length, ...shape], data }];
      }),
    );
    const name = (await sha256(new TextEncoder().encode(keys.join()))).slice(0, 16);
    const file = await writeSafetensors({ arrays, metadata: { images: keys.join() } });
    try {
      await this.store.write(`${this.digest}/${name}.safetensors`, file);
    } catch (error) {
      this.log(
        `featureCache: the features of ${keys.length} images could not be saved, so the next run computes them again: ${(error as Error).message}`,
      );
    }
  }

  /** Loads the features from a file in the store. A damaged or modified file is ignored, and its features are computed again. */
  async #readShard(name: string): Promise<void> {
    const bytes = await readStoreFile(this.store, name);
    if (!bytes) return;
    const logChanged = () =>
      this.log(
        `featureCache: ${this.store.label}/${name} is damaged or was modified, so its features are computed again`,
      );
    const file = await readSafetensors(bytes, name).catch(() => undefined);
    if (!file) return logChanged();
    const keys = file.metadata.images?.split(',') ?? [];
    const arrays = this.outputs.map(({ name: output }) => file.arrays[output]);
    const fits = this.outputs.every(
      ({ shape }, i) => arrays[i]?.shape.join() === [keys.length, ...shape].join(),
    );
    if (!fits) return logChanged();
    for (const [row, key] of keys.entries()) {
      if (this.#featuresByDigest.has(key) || !this.#checkCapacity()) continue;
      this.#add(
        key,
        arrays.map((array) => getRow(array!, row)),
      );
    }
  }

  #checkCapacity(): boolean {
    const fits = this.#cachedBytes + this.#bytesPerImage <= MAX_CACHED_BYTES;
    if (!fits && this.#cachedBytes < Number.POSITIVE_INFINITY) {
      this.log(
        `featureCache: the cache is full with the features of ${this.#featuresByDigest.size} images, so the features of all other images are computed in every epoch`,
      );
      this.#cachedBytes = Number.POSITIVE_INFINITY;
    }
    return fits;
  }

  #add(key: string, feature: ImageFeatures): void {
    this.#featuresByDigest.set(key, feature);
    this.#cachedBytes += this.#bytesPerImage;
  }
}

function getRow({ shape, data }: HostArray, row: number): Float32Array {
  const size = data.length / shape[0]!;
  return data.subarray(row * size, (row + 1) * size);
}
