import { sha256 } from '../core/digest.js';
import * as checks from '../core/errors/checks.js';
import { stringifySafely } from '../core/errors/escapeText.js';
import { detectImageFormat } from '../core/imageFormat.js';
import type { ImageBytes } from '../core/images.js';
import { toCheckedStore } from '../core/platform/checkedStore.js';
import { writeFileSet } from '../core/platform/fileSet.js';
import type { Encoder, Store } from '../core/platform/platform.js';
import { listImageFiles, selectImageIds } from '../core/records/answerSelection.js';
import type { GradCamRecord, RunRecord } from '../core/records/runRecord.js';
import { iterateBatches } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { checkIsDataset } from '../inference/checkDataset.js';

/** Number of training images for which the report shows augmented variants. */
const AUGMENTED_IMAGE_COUNT = 4;
/** Number of augmented variants that the report shows for each training image. */
const VARIANTS_PER_IMAGE = 5;

/**
 * An image with the Grad-CAM heat map of one task drawn over it, for example by `heatOverlay`.
 *
 * @category Figures
 */
export interface GradCamImage {
  /** Id of the image in its dataset. */
  readonly id: string;
  /** Task whose prediction the heat map explains. */
  readonly task: string;
  /**
   * Label of a classification, or direction (`higher` or `lower`) of a regression, that the heat map explains. `gradCam`
   * returns this value as `target`.
   */
  readonly toward: string;
  /** Pixels of the image with the heat map. The image can have any size. */
  readonly image: ImageBytes;
}

/**
 * Options for {@link saveRunImages}.
 *
 * @category Figures
 */
export interface SaveRunImagesOptions {
  /** Training data that was passed to {@link createRunRecord}. */
  readonly train: Dataset<any>;
  /** Validation data that was passed to {@link createRunRecord}. */
  readonly validation?: Dataset<any>;
  /** Function that encodes an image as a small JPEG, PNG or WebP file. */
  readonly encode: Encoder;
  /** Heat maps of validation images. Default: none. */
  readonly gradCams?: readonly GradCamImage[];
  /** Seed of the run. With this seed, the report shows the same augmented images that were used in training. Default: 0. */
  readonly seed?: number;
}

/**
 * Pattern of the names of the image files that a record refers to. A name contains a number and the first digits of the SHA-256 hash of
 * the file.
 */
const IMAGE_FILE = /^pictures\/\d+-[0-9a-f]{16}\.(?:jpg|png|webp)$/;

/**
 * Writes the images that a report shows (largest errors, random samples, augmentation, heat maps) to the `pictures/` folder of
 * `store`. Returns the record with the names of these files. Each file name contains a hash of the file, so the images of an earlier
 * record in the folder are not overwritten.
 *
 * @throws The errors of `encode` and of the store.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, memoryStore, multiTask, regression } from 'tfjs-multitask';
 * import { createRunRecord, saveRunImages } from 'tfjs-multitask/report';
 *
 * const gray = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const train = imagesInMemory([10, 90].map((light) => ({ image: gray(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const record = await createRunRecord(model, { name: 'squares', datasetName: 'grays', train });
 * const store = memoryStore();
 * const encode = async () => new Uint8Array([0xff, 0xd8, 0xff]); // sharp in Node, a canvas in a page
 * const { pictures, augmented } = await saveRunImages(record, store, { train, encode });
 * console.log(pictures.length, augmented.length, await store.list()); // 0 0 []
 * ```
 * @category Figures
 */
export async function saveRunImages(
  record: RunRecord,
  store: Store,
  options: SaveRunImagesOptions,
): Promise<RunRecord> {
  const advice = 'Write saveRunImages(record, store, { train, validation, encode: await sharpEncoder() }).';
  checks.record('saveRunImages.record', record, { noun: 'a record of createRunRecord()', advice });
  checks.store('saveRunImages.store', store, { advice });
  const names = { train: true, validation: true, encode: true, gradCams: true, seed: true } as const;
  checks.options('saveRunImages', options, names, { advice });
  const { train, validation, encode, gradCams = [], seed = 0 } = options;
  checkIsDataset('saveRunImages.train', train, advice);
  if (validation !== undefined) checkIsDataset('saveRunImages.validation', validation, advice);
  checks.callable('saveRunImages.encode', encode, { advice });
  checks.list('saveRunImages.gradCams', gradCams, { noun: 'an array of heat maps', advice });
  checks.integer('saveRunImages.seed', seed, { min: 0, defaultValue: 0 });
  const { record: recordWithImages, files } = await createRunImages(record, options);
  const checkedStore = toCheckedStore(store);
  for (const [name, bytes] of files) await checkedStore.write(name, bytes);
  return recordWithImages;
}

/**
 * Writes `run.json` and the image files that the record refers to. An earlier record and its images are replaced as one unit. If a write
 * fails, the earlier record and its images remain unchanged.
 *
 * @throws A `file` error if the store cannot be written.
 */
export async function writeRunRecord(
  store: Store,
  record: RunRecord,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const index = new TextEncoder().encode(`${stringifySafely(record)}\n`);
  await writeFileSet(
    store,
    { indexName: 'run.json', index, parts: files },
    {
      prefix: 'pictures/',
      isPart: (name) => IMAGE_FILE.test(name),
      findParts: (bytes) => listImageFiles(JSON.parse(new TextDecoder().decode(bytes))),
    },
  );
}

/** Encodes the images that a report shows as files. Returns the bytes of the files, and the record with the names of the files. */
export async function createRunImages(
  record: RunRecord,
  { train, validation, encode, gradCams: gradCamImages = [], seed = 0 }: SaveRunImagesOptions,
): Promise<{ readonly record: RunRecord; readonly files: ReadonlyMap<string, Uint8Array> }> {
  const files = new Map<string, Uint8Array>();
  const saveImage = async (image: ImageBytes) => {
    const bytes = await encode(image);
    const hash = (await sha256(bytes)).slice(0, 16);
    const format = detectImageFormat(bytes) ?? 'jpeg';
    const name = `pictures/${files.size}-${hash}.${format === 'jpeg' ? 'jpg' : format}`;
    files.set(name, bytes);
    return name;
  };
  const indices = new Map(validation?.ids.map((id, i) => [id, i]));
  const pictures: { id: string; file: string }[] = [];
  for (const id of selectImageIds(record)) {
    const index = indices.get(id);
    if (index !== undefined) pictures.push({ id, file: await saveImage(await validation!.read(index)) });
  }
  const gradCams: GradCamRecord[] = [];
  for (const { image, ...target } of gradCamImages)
    gradCams.push({ ...target, image: await saveImage(image) });
  const augmented = await saveAugmentedImages(train, seed, saveImage);
  return { record: { ...record, pictures, augmented, gradCams }, files };
}

async function saveAugmentedImages(
  train: Dataset<any>,
  seed: number,
  saveImage: (image: ImageBytes) => Promise<string>,
): Promise<RunRecord['augmented']> {
  if (!train.augmentation) return [];
  const samples = train.take(AUGMENTED_IMAGE_COUNT).withWorkers(null);
  const [height, width, channels] = train.shape;
  const length = height * width * channels;
  const rows: { id: string; files: string[] }[] = [];
  for (let i = 0; i < samples.size; i++)
    rows.push({ id: samples.id(i), files: [await saveImage(await samples.read(i))] });
  for (let epoch = 0; epoch < VARIANTS_PER_IMAGE; epoch++) {
    for await (const { pixels } of iterateBatches(samples, {
      batchSize: samples.size,
      epoch,
      seed,
      shuffle: false,
    })) {
      for (const [i, { files }] of rows.entries()) {
        const data = Uint8Array.from(pixels.subarray(i * length, (i + 1) * length), Math.round);
        files.push(await saveImage({ data, height, width, channels }));
      }
    }
  }
  return rows;
}
