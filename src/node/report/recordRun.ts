import * as checks from '../../core/errors/checks.js';
import { createFileError } from '../../core/errors/errors.js';
import { toCheckedStore } from '../../core/platform/checkedStore.js';
import type { Store } from '../../core/platform/platform.js';
import { readStoreFile } from '../../core/platform/readStoreFile.js';
import { readCheckpointEpoch } from '../../core/records/checkpointEpoch.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import { createModel, type MultiTaskModel } from '../../model/multiTaskModel.js';
import { readModelFolder } from '../../network/savedModel/modelFolder.js';
import {
  type CreateRunRecordOptions,
  checkRunRecordArguments,
  createRunRecord,
  RUN_RECORD_OPTION_NAMES,
  type RunHistory,
} from '../../recording/createRunRecord.js';
import { createRunImages, writeRunRecord } from '../../recording/saveRunImages.js';
import { shortenIds } from '../../recording/shortenIds.js';
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
  /**
   * Seed of the run. With this seed, the report shows the same augmented images that were used in training. Default: that of the
   * last `fit` of the model, else 0.
   */
  readonly seed?: number;
  /**
   * Whether to replace the record of another run. Default false. A record without epochs, and a record of the first epochs of `history`, are
   * always replaced.
   */
  readonly overwrite?: boolean;
}

/** The model whose predictions a record contains, and its epoch. */
interface ReportedModel<T extends Tasks>
  extends Pick<CreateRunRecordOptions<T>, 'monitor' | 'checkpointEpoch'> {
  readonly model: MultiTaskModel<T>;
}

/**
 * Returns the model that `bestCheckpoint` saved in the `best/` folder during the run of the record, so that predictions and metrics are
 * those of the same epoch. Returns `model` if no such model was saved, or if the caller specified a different epoch.
 *
 * @throws A `file` error if the saved model cannot be loaded.
 */
async function loadReportedModel<T extends Tasks>(
  store: Store,
  model: MultiTaskModel<T>,
  { history, monitor, checkpointEpoch }: CreateRunRecordOptions<T>,
): Promise<ReportedModel<T>> {
  const checkpoint = history && (await readCheckpointEpoch(store, 'best', history.rows));
  if (!checkpoint || (checkpointEpoch ?? checkpoint.epoch) !== checkpoint.epoch) return { model };
  const network = await readModelFolder(store, 'best', model.tasks).catch((cause: unknown) => {
    throw createFileError(
      `${store.label}/best`,
      `the model of epoch ${checkpoint.epoch}, whose metrics the record contains`,
      `files that cannot be loaded (${(cause as Error).message})`,
      'Restore the folder, or remove best/model.json to record the model that you pass.',
      cause,
    );
  });
  return {
    model: createModel(model['~platform'], network),
    monitor: monitor ?? checkpoint.monitor,
    checkpointEpoch: checkpoint.epoch,
  };
}

const RECORD_FILE = 'run.json';

/** Throws a `file` error if the store contains the record of another run, or another file with this name. */
async function checkReplaceable(store: Store, history: RunHistory | undefined): Promise<void> {
  const bytes = await readStoreFile(store, RECORD_FILE);
  if (!bytes) return;
  let record: Partial<RunRecord> | null = null;
  try {
    record = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // The file is damaged, or was written by another program.
  }
  const rows = Array.isArray(record?.rows) ? record.rows : undefined;
  const isSameRun = rows?.every((row, i) => JSON.stringify(row) === JSON.stringify(history?.rows[i]));
  if (isSameRun) return;
  throw createFileError(
    `${store.label}/${RECORD_FILE}`,
    'no record of another run',
    rows ? `the record of a run of ${rows.length} epochs` : 'a file that is not the record of a run',
    'Pass overwrite: true to recordRun() to replace it, or choose another folder.',
  );
}

/**
 * Writes the data that a report needs to `store`: `run.json`, and small images in `pictures/`. An earlier record and its images are
 * replaced as one unit. If `recordRun` fails or the process is killed, the earlier record and its images remain unchanged.
 *
 * If `bestCheckpoint` saved a model in `best/` of the same store in this run, the record contains the metrics of its epoch, and its
 * predictions and heat maps, also if you pass another model. Otherwise the predictions are those of `model`, and the metrics those of its
 * epoch; see {@link createRunRecord}.
 *
 * Call `recordRun` after `fit`. To watch the run with {@link watchRun}, also call it before `fit`, without
 * `history`.
 *
 * @throws The errors of {@link createRunRecord}. A `file` error if the store cannot be written, if it contains the record of another run, or
 *   if the model in `best/` cannot be loaded. A `missing-package` error if images
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
  store = toCheckedStore(store);
  const names = {
    ...RUN_RECORD_OPTION_NAMES,
    images: true,
    gradCams: true,
    seed: true,
    overwrite: true,
  } as const;
  checks.options('recordRun', recordOptions, names, { advice });
  checkRunRecordArguments(model, recordOptions);
  const { images = true, gradCams = 6, overwrite = false, ...others } = recordOptions;
  const { seed = model['~network'].lastFit.defaults?.seed ?? 0, ...options } = others;
  checks.boolean('recordRun.images', images, { advice: 'Omit it to use the default, true.' });
  checks.boolean('recordRun.overwrite', overwrite, {
    advice: 'Pass true to replace the record of another run.',
  });
  checks.integer('recordRun.gradCams', gradCams, { min: 0, defaultValue: 6 });
  checks.integer('recordRun.seed', seed, { min: 0, defaultValue: 0 });
  const versions = { ...getRuntimeVersions(), ...options.versions };
  if (!overwrite) await checkReplaceable(store, options.history);
  const { model: reportedModel, ...epoch } = await loadReportedModel(store, model, options);
  try {
    return await writeRecord(store, reportedModel, {
      ...options,
      ...epoch,
      versions,
      images,
      gradCams,
      seed,
    });
  } finally {
    if (reportedModel !== model) reportedModel.dispose();
  }
}

/** Writes the record and the images of a run. */
async function writeRecord<T extends Tasks>(
  store: Store,
  model: MultiTaskModel<T>,
  {
    images,
    gradCams,
    seed,
    ...options
  }: CreateRunRecordOptions<T> & {
    readonly images: boolean;
    readonly gradCams: number;
    readonly seed: number;
  },
): Promise<RunRecord> {
  const recordWithoutImages = await createRunRecord(model, options);
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
  const sharedRecord = shortenIds(record);
  await writeRunRecord(store, sharedRecord, files);
  return sharedRecord;
}
