import { countElements, type HostArray, viewBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import type { Dataset } from '../data/dataset.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { LayerGraph } from '../network/layerGraph.js';

/** Features of one image: one array per output of the frozen graph. */
export type ImageFeatures = readonly Float32Array[];

/** Maximum number of bytes of features in memory. Features beyond this limit are computed again in every epoch. */
const MAX_CACHED_BYTES = 2 * 2 ** 30;
/** Number of buffered feature bytes at which a new shard file is written. */
const SHARD_BYTES = 32 * 2 ** 20;

/**
 * Stores the features that the frozen graph computes from images, in memory for later epochs and in a store for later runs. Images
 * are identified by the digest of their pixels, and the frozen graph by the digest of its layers and weights, so outdated features are
 * never used.
 */
export class FeatureCache {
  readonly #featuresByDigest = new Map<string, ImageFeatures>();
  /** The same features, keyed by dataset and index, so that each image is read and hashed only once per run. */
  readonly #featuresByIndex = new WeakMap<Dataset<any>, Map<number, ImageFeatures>>();
  #unsavedDigests: string[] = [];
  #cachedBytes = 0;
  readonly #bytesPerImage: number;

  constructor(
    readonly store: Store,
    /** Digest of the frozen graph and of the engine that runs it. */
    readonly digest: string,
    readonly outputs: LayerGraph['outputs'],
    readonly log: (line: string) => void,
  ) {
    this.#bytesPerImage = outputs.reduce((sum, { shape }) => sum + 4 * countElements(shape), 0);
  }

  /** Whether the images of a dataset are the same in every epoch. */
  static isCacheable(dataset: Dataset<any>): boolean {
    return dataset.augmentation === null || dataset.augmentation.fixed;
  }

  /** Reads the features that earlier runs stored in the store. */
  async load(): Promise<void> {
    const files = await this.store.list(`${this.digest}/`);
    for (const name of files) if (name.endsWith('.safetensors')) await this.#readShard(name);
  }

  /** Returns the features of the images at `indices`, or undefined unless all of them are cached by index. */
  getCached(dataset: Dataset<any>, indices: readonly number[]): ImageFeatures[] | undefined {
    const byIndex = this.#featuresByIndex.get(dataset);
    const found = indices.map((index) => byIndex?.get(index));
    return found.every((feature) => feature !== undefined) ? found : undefined;
  }

  /**
   * Returns the features of a batch. Features of known pixels are read from the cache.
   *
   * @param compute - Runs the frozen graph on the images in the passed rows of the batch, and returns one array per output.
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

  /** Writes the new features to the store. Called at the end of each epoch and of the run. */
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
        `the features of ${keys.length} images could not be stored, so the next run computes them again: ${(error as Error).message}`,
      );
    }
  }

  /** Reads the features of a file. A file whose contents were changed is ignored, and its features are computed again. */
  async #readShard(name: string): Promise<void> {
    const bytes = await readStoreFile(this.store, name);
    if (!bytes) return;
    const logChanged = () =>
      this.log(
        `${this.store.label}/${name} was changed since it was written: its features are computed again`,
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
        `the features of ${this.#featuresByDigest.size} images fill the cache; the features of other images are computed in every epoch`,
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
