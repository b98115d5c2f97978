import type { Store } from '../../core/platform/platform.js';
import { readCheckpointEpoch } from '../../core/records/checkpointEpoch.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import type { MultiTaskModel } from '../../model/multiTaskModel.js';
import { type CreateRunRecordOptions, createRunRecord } from '../../recording/createRunRecord.js';
import { saveRunImages } from '../../recording/saveRunImages.js';
import type { Tasks } from '../../tasks/task.js';
import { getRuntimeVersions } from '../platform/runtimeVersions.js';
import { sharpEncoder } from '../platform/sharpEncoder.js';
import { createGradCamImages } from './gradCamImages.js';

/**
 * Options of {@link recordRun}.
 *
 * @category Figures
 */
export interface RecordRunOptions<T extends Tasks = Tasks> extends CreateRunRecordOptions<T> {
  /** Of packages and the machine, beside those of this library and of Node, which are always told. Default none. */
  readonly versions?: { readonly [name: string]: string };
  /** Whether pictures of some images are kept beside the record. Default true. */
  readonly images?: boolean;
  /** Images in which is shown where each task looked, by `gradCam`. Default 6; 0 for none, as before the run. */
  readonly gradCams?: number;
  /** The run's seed, for the augmentation that is shown. Default 0. */
  readonly seed?: number;
}

/** Which epoch's model lies in `best/`, and by what; a monitor of the user's own says it for them. */
async function findReportedEpoch(store: Store, { history, monitor, keptEpoch }: CreateRunRecordOptions<any>) {
  if (!history || keptEpoch !== undefined) return {};
  const kept = await readCheckpointEpoch(store, 'best', history.rows);
  if (!kept || (monitor ?? kept.monitor) !== kept.monitor) return {};
  return { monitor: kept.monitor, keptEpoch: kept.epoch };
}

/** A picture of an earlier record. */
const IMAGE_FILE_PATTERN = /^pictures\/\d+\.(?:jpg|png|webp)$/;

/**
 * Writes what a report needs of a run into `store`: `run.json`, and small pictures below `pictures/`, those of an earlier record
 * removed. What `bestCheckpoint` noted in `best/` says which epoch is told. Call it before `fit`, without `history`, for a page to watch, and after it with the model that was kept.
 *
 * @throws The faults of `model.predict`; `file` fault where the store cannot be written; `missing-package` fault without sharp,
 *   when pictures are kept.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 * import { folderStore, recordRun, report } from 'tfjs-multitask/node';
 *
 * const grey = (value: number) => ({ data: new Uint8Array(8 * 8 * 3).fill(value), height: 8, width: 8, channels: 3 });
 * const images = imagesInMemory([10, 90, 170, 250].map((light) => ({ image: grey(light), labels: { light } })));
 * const { train, validation } = images.split({ validation: 0.5, seed: 7 });
 * const model = multiTask({ input: [8, 8, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const history = await model.fit(train, { validation, epochs: 1, engine: 'wasm' });
 * const store = folderStore('out/squares');
 * await recordRun(store, model, { name: 'squares', dataName: 'greys', train, validation, history });
 * console.log(await report('out/squares')); // out/squares/report.html
 * ```
 * @category Figures
 */
export async function recordRun<T extends Tasks>(
  store: Store,
  model: MultiTaskModel<T>,
  { images = true, gradCams = 6, seed = 0, ...options }: RecordRunOptions<T>,
): Promise<RunRecord> {
  const versions = { ...getRuntimeVersions(), ...options.versions };
  const described = await createRunRecord(model, {
    ...options,
    ...(await findReportedEpoch(store, options)),
    versions,
  });
  for (const name of await store.list('pictures/'))
    if (IMAGE_FILE_PATTERN.test(name)) await store.remove(name);
  const { train, validation } = options;
  const record = images
    ? await saveRunImages(described, store, {
        train,
        encode: await sharpEncoder(),
        seed,
        ...(validation && {
          validation,
          gradCams: await createGradCamImages(model, described, validation, gradCams),
        }),
      })
    : described;
  await store.write('run.json', new TextEncoder().encode(`${JSON.stringify(record)}\n`));
  return record;
}
