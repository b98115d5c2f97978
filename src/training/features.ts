import { sha256 } from '../core/json.js';
import type { Store } from '../core/outside.js';
import type { Dataset } from '../data/dataset.js';
import { type NamedArray, readTensorFile, writeTensorFile } from '../io/tensorFile.js';
import type { Graph } from '../models/graph.js';
import { bytesOf } from './frozenDigest.js';

/** What the frozen half makes of one image: one array an output. */
export type Feature = readonly Float32Array[];

/** Features stay in memory up to here; what comes later is computed anew in every epoch. */
const MOST_BYTES = 2 * 2 ** 30;
/** Bytes of features that are written as one file. */
const SHARD_BYTES = 32 * 2 ** 20;

/**
 * What the frozen half made of images, kept for later epochs and, in a store, for later runs. An image is known by the digest
 * of its pixels, a half by that of its layers and weights, so that no changed file, augmentation or weight meets old features.
 */
export class Features {
  readonly #kept = new Map<string, Feature>();
  /** The same by dataset and place in it, so that an image is made and digested once a run. */
  readonly #places = new WeakMap<Dataset<any>, Map<number, Feature>>();
  #fresh: string[] = [];
  #bytes = 0;
  readonly #featureBytes: number;

  constructor(
    readonly store: Store,
    /** Names the frozen half, and who computes it. */
    readonly digest: string,
    readonly outputs: Graph['outputs'],
    readonly log: (line: string) => void,
  ) {
    this.#featureBytes = outputs.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  }

  /** Whether the images of a dataset are the same in every epoch. */
  static serve(dataset: Dataset<any>): boolean {
    return dataset.augmenting === null || dataset.augmenting.fixed;
  }

  /** Takes what earlier runs left. */
  async open(): Promise<void> {
    const files = await this.store.list(`${this.digest}/`);
    for (const name of files) if (name.endsWith('.safetensors')) await this.#read(name);
  }

  /** The features of the images at `indices`, or undefined unless all of them are known by place. */
  at(dataset: Dataset<any>, indices: readonly number[]): Feature[] | undefined {
    const places = this.#places.get(dataset);
    const found = indices.map((index) => places?.get(index));
    return found.every((feature) => feature !== undefined) ? found : undefined;
  }

  /**
   * The features of a batch: known ones by its pixels, all others by `make`, which runs the frozen half on the images in some
   * rows of the batch and returns one array an output.
   */
  async of(
    dataset: Dataset<any>,
    indices: readonly number[],
    pixels: Float32Array,
    make: (rows: readonly number[]) => Promise<readonly NamedArray[]>,
  ): Promise<Feature[]> {
    const size = pixels.length / indices.length;
    const keys = await Promise.all(
      indices.map((_, row) => sha256(bytesOf(pixels.subarray(row * size, (row + 1) * size)))),
    );
    const missing = keys.flatMap((key, row) => (this.#kept.has(key) ? [] : [row]));
    const fresh = new Map<string, Feature>();
    if (missing.length > 0) {
      const made = await make(missing);
      for (const [at, row] of missing.entries()) {
        const feature = made.map((array) => rowOf(array, at).slice());
        fresh.set(keys[row]!, feature);
        if (this.#kept.has(keys[row]!) || !this.#fits()) continue;
        this.#keep(keys[row]!, feature);
        this.#fresh.push(keys[row]!);
      }
      if (this.#fresh.length * this.#featureBytes >= SHARD_BYTES) await this.write();
    }
    const places = this.#places.get(dataset) ?? new Map<number, Feature>();
    this.#places.set(dataset, places);
    return keys.map((key, row) => {
      const kept = this.#kept.get(key);
      if (kept) places.set(indices[row]!, kept);
      return kept ?? fresh.get(key)!;
    });
  }

  /** Writes what is new: at the end of an epoch, and of a run. */
  async write(): Promise<void> {
    const keys = this.#fresh;
    if (keys.length === 0) return;
    this.#fresh = [];
    const arrays = Object.fromEntries(
      this.outputs.map(({ name, shape }, i) => {
        const size = sizeOf(shape);
        const data = new Float32Array(keys.length * size);
        keys.forEach((key, row) => {
          data.set(this.#kept.get(key)![i]!, row * size);
        });
        return [name, { shape: [keys.length, ...shape], data }];
      }),
    );
    const name = (await sha256(new TextEncoder().encode(keys.join()))).slice(0, 16);
    const file = await writeTensorFile({ arrays, metadata: { images: keys.join() } });
    try {
      await this.store.write(`${this.digest}/${name}.safetensors`, file);
    } catch (error) {
      this.log(
        `features of ${keys.length} images not kept, the next run computes them again: ${(error as Error).message}`,
      );
    }
  }

  /** Takes the features of a file. One that was changed since is passed over: it only costs computing them again. */
  async #read(name: string): Promise<void> {
    const bytes = await this.store.read(name);
    if (!bytes) return;
    const changed = () =>
      this.log(
        `${this.store.label}/${name} was changed since it was written: its features are computed again`,
      );
    const file = await readTensorFile(bytes, name).catch(() => undefined);
    if (!file) return changed();
    const keys = file.metadata.images?.split(',') ?? [];
    const own = this.outputs.map((port) => file.arrays[port.name]);
    const fits = this.outputs.every(
      ({ shape }, i) => own[i]?.shape.join() === [keys.length, ...shape].join(),
    );
    if (!fits) return changed();
    for (const [row, key] of keys.entries()) {
      if (this.#kept.has(key) || !this.#fits()) continue;
      this.#keep(
        key,
        own.map((array) => rowOf(array!, row)),
      );
    }
  }

  #fits(): boolean {
    const fits = this.#bytes + this.#featureBytes <= MOST_BYTES;
    if (!fits && this.#bytes < Number.POSITIVE_INFINITY) {
      this.log(
        `features of ${this.#kept.size} images fill the memory that is kept for them; the rest is computed in every epoch`,
      );
      this.#bytes = Number.POSITIVE_INFINITY;
    }
    return fits;
  }

  #keep(key: string, feature: Feature): void {
    this.#kept.set(key, feature);
    this.#bytes += this.#featureBytes;
  }
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

function rowOf({ shape, data }: NamedArray, row: number): Float32Array {
  const size = data.length / shape[0]!;
  return data.subarray(row * size, (row + 1) * size);
}
