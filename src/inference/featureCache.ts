import { countElements, type HostArray, viewBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import type { Store } from '../core/platform/platform.js';
import type { Dataset } from '../data/dataset.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { LayerGraph } from '../network/layerGraph.js';

/** What the frozen half makes of one image: one array an output. */
export type ImageFeatures = readonly Float32Array[];

/** Features stay in memory up to here; what comes later is computed anew in every epoch. */
const MAX_CACHED_BYTES = 2 * 2 ** 30;
/** Bytes of features that are written as one file. */
const SHARD_BYTES = 32 * 2 ** 20;

/**
 * What the frozen half made of images, kept for later epochs and, in a store, for later runs. An image is known by the digest
 * of its pixels, a half by that of its layers and weights, so that no changed file, augmentation or weight meets old features.
 */
export class FeatureCache {
  readonly #featuresByDigest = new Map<string, ImageFeatures>();
  /** The same by dataset and place in it, so that an image is made and digested once a run. */
  readonly #featuresByIndex = new WeakMap<Dataset<any>, Map<number, ImageFeatures>>();
  #unsavedDigests: string[] = [];
  #cachedBytes = 0;
  readonly #bytesPerImage: number;

  constructor(
    readonly store: Store,
    /** Names the frozen half, and who computes it. */
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

  /** Takes what earlier runs left. */
  async load(): Promise<void> {
    const files = await this.store.list(`${this.digest}/`);
    for (const name of files) if (name.endsWith('.safetensors')) await this.#readShard(name);
  }

  /** The features of the images at `indices`, or undefined unless all of them are known by place. */
  getCached(dataset: Dataset<any>, indices: readonly number[]): ImageFeatures[] | undefined {
    const places = this.#featuresByIndex.get(dataset);
    const found = indices.map((index) => places?.get(index));
    return found.every((feature) => feature !== undefined) ? found : undefined;
  }

  /**
   * The features of a batch: known ones by its pixels, all others by `make`, which runs the frozen half on the images in some
   * rows of the batch and returns one array an output.
   */
  async getOrCompute(
    dataset: Dataset<any>,
    indices: readonly number[],
    pixels: Float32Array,
    make: (rows: readonly number[]) => Promise<readonly HostArray[]>,
  ): Promise<ImageFeatures[]> {
    const size = pixels.length / indices.length;
    const keys = await Promise.all(
      indices.map((_, row) => sha256(viewBytes(pixels.subarray(row * size, (row + 1) * size)))),
    );
    const missing = keys.flatMap((key, row) => (this.#featuresByDigest.has(key) ? [] : [row]));
    const fresh = new Map<string, ImageFeatures>();
    if (missing.length > 0) {
      const made = await make(missing);
      for (const [at, row] of missing.entries()) {
        const feature = made.map((array) => getRow(array, at).slice());
        fresh.set(keys[row]!, feature);
        if (this.#featuresByDigest.has(keys[row]!) || !this.#checkCapacity()) continue;
        this.#add(keys[row]!, feature);
        this.#unsavedDigests.push(keys[row]!);
      }
      if (this.#unsavedDigests.length * this.#bytesPerImage >= SHARD_BYTES) await this.flush();
    }
    const places = this.#featuresByIndex.get(dataset) ?? new Map<number, ImageFeatures>();
    this.#featuresByIndex.set(dataset, places);
    return keys.map((key, row) => {
      const kept = this.#featuresByDigest.get(key);
      if (kept) places.set(indices[row]!, kept);
      return kept ?? fresh.get(key)!;
    });
  }

  /** Writes what is new: at the end of an epoch, and of a run. */
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
        `features of ${keys.length} images not kept, the next run computes them again: ${(error as Error).message}`,
      );
    }
  }

  /** Takes the features of a file. One that was changed since is passed over: it only costs computing them again. */
  async #readShard(name: string): Promise<void> {
    const bytes = await this.store.read(name);
    if (!bytes) return;
    const changed = () =>
      this.log(
        `${this.store.label}/${name} was changed since it was written: its features are computed again`,
      );
    const file = await readSafetensors(bytes, name).catch(() => undefined);
    if (!file) return changed();
    const keys = file.metadata.images?.split(',') ?? [];
    const own = this.outputs.map((port) => file.arrays[port.name]);
    const fits = this.outputs.every(
      ({ shape }, i) => own[i]?.shape.join() === [keys.length, ...shape].join(),
    );
    if (!fits) return changed();
    for (const [row, key] of keys.entries()) {
      if (this.#featuresByDigest.has(key) || !this.#checkCapacity()) continue;
      this.#add(
        key,
        own.map((array) => getRow(array!, row)),
      );
    }
  }

  #checkCapacity(): boolean {
    const fits = this.#cachedBytes + this.#bytesPerImage <= MAX_CACHED_BYTES;
    if (!fits && this.#cachedBytes < Number.POSITIVE_INFINITY) {
      this.log(
        `features of ${this.#featuresByDigest.size} images fill the memory that is kept for them; the rest is computed in every epoch`,
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
