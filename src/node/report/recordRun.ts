import * as checks from '../../core/errors/checks.js';
import type { Store } from '../../core/platform/platform.js';
import { readCheckpointEpoch } from '../../core/records/checkpointEpoch.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import type { MultiTaskModel } from '../../model/multiTaskModel.js';
import {
  type CreateRunRecordOptions,
  createRunRecord,
  RUN_RECORD_OPTION_NAMES,
} from '../../recording/createRunRecord.js';
import { createRunImages, writeRunRecord } from '../../recording/saveRunImages.js';
import type { Tasks } from '../../tasks/task.js';
import { getRuntimeVersions } from '../platform/runtimeVersions.js';
import { sharpEncoder } from '../platform/sharpEncoder.js';
import { createGradCamImages } from './gradCamImages.js';

/**
 * Options for {@link recordRun}.
 *
 * @category Figures
 */
export interface RecordRunOptions<T extends Tasks = Tasks> extends CreateRunRecordOptions<T> {
  /**
   * Additional package versions, and a description of the machine. The versions of this library and of Node are always recorded. Default:
   * none.
   */
  readonly versions?: { readonly [name: string]: string };
  /** Whether to save thumbnails of the images that the report shows. Default: true. */
  readonly images?: boolean;
  /** Number of images per task for which Grad-CAM heat maps are saved. Default: 6. */
  readonly gradCams?: number;
  /** Seed of the run. With this seed, the report shows the same augmented images that were used in training. Default: 0. */
  readonly seed?: number;
}

/**
 * Returns the epoch after which `bestCheckpoint` saved the model in the `best/` folder, and the history column that it monitored. Returns
 * `{}` if the caller specified a different epoch or column.
 */
async function findReportedEpoch(
  store: Store,
  { history, monitor, checkpointEpoch }: CreateRunRecordOptions<any>,
) {
  if (!history || checkpointEpoch !== undefined) return {};
  const checkpoint = await readCheckpointEpoch(store, 'best', history.rows);
  if (!checkpoint || (monitor ?? checkpoint.monitor) !== checkpoint.monitor) return {};
  return { monitor: checkpoint.monitor, checkpointEpoch: checkpoint.epoch };
}

/**
 * Writes the data that a report needs to `store`: `run.json`, and small images in `pictures/`. An earlier record and its images are
 * replaced as one unit. If `recordRun` fails or the process is killed, the earlier record and its images remain unchanged. By default, the
 * report describes the epoch of the model that `bestCheckpoint` saved in `best/`.
 *
 * Call `recordRun` after `fit`, with the best model. To watch the run with {@link watchRun}, also call it before `fit`, without
 * `history`.
 *
 * @throws The errors of `model.predict`. A `file` error if the store cannot be written. A `missing-package` error if images
 *   are saved and sharp is not installed.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 * import { folderStore, recordRun, writeReport } from 'tfjs-multitask/node';
 *
 * const gray = (value: number) => ({ data: new Uint8Array(8 * 8 * 3).fill(value), height: 8, width: 8, channels: 3 });
 * const images = imagesInMemory([10, 90, 170, 250].map((light) => ({ image: gray(light), labels: { light } })));
 * const { train, validation } = images.split({ validation: 0.5, seed: 7 });
 * const model = multiTask({ input: [8, 8, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const history = await model.fit(train, { validation, epochs: 1, engine: 'wasm' });
 * const store = folderStore('out/squares');
 * await recordRun(store, model, { name: 'squares', datasetName: 'grays', train, validation, history });
 * console.log(await writeReport('out/squares')); // out/squares/report.html
 * ```
 * @category Figures
 */
export async function recordRun<T extends Tasks>(
  store: Store,
  model: MultiTaskModel<T>,
  recordOptions: RecordRunOptions<T>,
): Promise<RunRecord> {
  const advice =
    "Write recordRun(folderStore('out'), model, { name: 'model-a', datasetName: 'UTKFace', train, history }).";
  checks.store('recordRun.store', store, { advice });
  const names = { ...RUN_RECORD_OPTION_NAMES, images: true, gradCams: true, seed: true } as const;
  checks.options('recordRun', recordOptions, names, { advice });
  const { images = true, gradCams = 6, seed = 0, ...options } = recordOptions;
  checks.boolean('recordRun.images', images, { advice: 'Omit it to use the default, true.' });
  checks.integer('recordRun.gradCams', gradCams, { min: 0, defaultValue: 6 });
  checks.integer('recordRun.seed', seed, { min: 0, defaultValue: 0 });
  const versions = { ...getRuntimeVersions(), ...options.versions };
  const recordWithoutImages = await createRunRecord(model, {
    ...options,
    ...(await findReportedEpoch(store, options)),
    versions,
  });
  const { train, validation } = options;
  const { record, files } = images
    ? await createRunImages(recordWithoutImages, {
        train,
        encode: await sharpEncoder(),
        seed,
        ...(validation && {
          validation,
          gradCams: await createGradCamImages(model, recordWithoutImages, validation, gradCams),
        }),
      })
    : { record: recordWithoutImages, files: new Map<string, Uint8Array>() };
  await writeRunRecord(store, record, files);
  return record;
}
