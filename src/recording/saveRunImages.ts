import type { ImageBytes } from '../core/images.js';
import type { Encoder, Store } from '../core/platform/platform.js';
import { selectImageIds } from '../core/records/answerSelection.js';
import type { GradCamRecord, RunRecord } from '../core/records/runRecord.js';
import { iterateBatches } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';

/** Training images whose augmentation is shown, and how often. */
const AUGMENTED_IMAGE_COUNT = 4;
const VARIANTS_PER_IMAGE = 5;

/**
 * An image under the heat of one task's answer, as `heatOverlay` draws it.
 *
 * @category Figures
 */
export interface GradCamImage {
  /** The image, as the dataset names it. */
  readonly id: string;
  /** Whose answer it explains. */
  readonly task: string;
  /** What it speaks for, as `gradCam` says it. */
  readonly toward: string;
  /** Any size. */
  readonly image: ImageBytes;
}

/**
 * What {@link saveRunImages} takes.
 *
 * @category Figures
 */
export interface SaveRunImagesOptions {
  /** As given to {@link createRunRecord}. */
  readonly train: Dataset<any>;
  /** As given to {@link createRunRecord}. */
  readonly validation?: Dataset<any>;
  /** Makes a small file of an image. */
  readonly encode: Encoder;
  /** Pictures of where a task looked: an image of the validation part, by its name, under its heat. Default none. */
  readonly gradCams?: readonly GradCamImage[];
  /** The run's seed, so that the augmentation shown is what training saw. Default 0. */
  readonly seed?: number;
}

/**
 * Writes the pictures that a report shows (largest errors, random samples, augmentation) as files below `pictures/` of
 * `store`, and returns the record with their names.
 *
 * @throws What `encode` and the store throw.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, memoryStore, multiTask, regression } from 'tfjs-multitask';
 * import { describeRun, keepPictures } from 'tfjs-multitask/report';
 *
 * const grey = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const train = imagesInMemory([10, 90].map((light) => ({ image: grey(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const record = await describeRun(model, { name: 'squares', dataName: 'greys', train });
 * const store = memoryStore();
 * const encode = async () => new Uint8Array([0xff, 0xd8, 0xff]); // sharp in Node, a canvas in a page
 * const { pictures, augmented } = await keepPictures(record, store, { train, encode });
 * console.log(pictures.length, augmented.length, await store.list()); // 0 0 []
 * ```
 * @category Figures
 */
export async function saveRunImages(
  record: RunRecord,
  store: Store,
  { train, validation, encode, gradCams: heats = [], seed = 0 }: SaveRunImagesOptions,
): Promise<RunRecord> {
  let count = 0;
  const keep = async (image: ImageBytes) => {
    const bytes = await encode(image);
    const file = `pictures/${count++}.${detectImageExtension(bytes)}`;
    await store.write(file, bytes);
    return file;
  };
  const places = new Map(validation?.ids.map((id, i) => [id, i]));
  const pictures: { id: string; file: string }[] = [];
  for (const id of selectImageIds(record)) {
    const place = places.get(id);
    if (place !== undefined) pictures.push({ id, file: await keep(await validation!.read(place)) });
  }
  const gradCams: GradCamRecord[] = [];
  for (const { image, ...said } of heats) gradCams.push({ ...said, image: await keep(image) });
  return { ...record, pictures, augmented: await saveAugmentedImages(train, seed, keep), gradCams };
}

async function saveAugmentedImages(
  train: Dataset<any>,
  seed: number,
  keep: (image: ImageBytes) => Promise<string>,
): Promise<RunRecord['augmented']> {
  if (!train.augmentation) return [];
  const few = train.take(AUGMENTED_IMAGE_COUNT).withWorkers(null);
  const [height, width, channels] = train.shape;
  const length = height * width * channels;
  const rows: { id: string; files: string[] }[] = [];
  for (let i = 0; i < few.size; i++) rows.push({ id: few.id(i), files: [await keep(await few.read(i))] });
  for (let epoch = 0; epoch < VARIANTS_PER_IMAGE; epoch++) {
    for await (const { pixels } of iterateBatches(few, {
      batchSize: few.size,
      epoch,
      seed,
      shuffle: false,
    })) {
      for (const [i, { files }] of rows.entries()) {
        const data = Uint8Array.from(pixels.subarray(i * length, (i + 1) * length), Math.round);
        files.push(await keep({ data, height, width, channels }));
      }
    }
  }
  return rows;
}

/** What the first bytes say a file is. */
const detectImageExtension = (bytes: Uint8Array) =>
  bytes[0] === 0x89 ? 'png' : bytes[0] === 0x52 ? 'webp' : 'jpg';
