import * as checks from '../core/errors/checks.js';
import { createArgumentError } from '../core/errors/errors.js';
import type { Json } from '../core/json.js';
import { getOwnValue } from '../core/lookup.js';
import { findBestEpoch, type HistoryRecord } from '../core/records/history.js';
import type {
  EngineRecord,
  PredictionRecord,
  PredictionValue,
  RunRecord,
  SplitRecord,
} from '../core/records/runRecord.js';
import { shortenAllPaths, shortenPaths } from '../core/shortenPaths.js';
import type { Dataset } from '../data/dataset.js';
import { checkIsDataset } from '../inference/checkDataset.js';
import type { MultiTaskModel } from '../model/multiTaskModel.js';
import { checkModel } from '../network/checkModel.js';
import { createTaskRecord, type LabelsOf, type Tasks } from '../tasks/task.js';
import { getMonitorModes } from '../training/monitor.js';

/**
 * Function that returns the groups to which an image belongs, for example `{ sex: 'female', race: 'asian' }`. It receives the id and the
 * labels of the image. The report shows separate results for each group.
 *
 * @category Figures
 */
export type GroupFunction = (
  id: string,
  labels: { readonly [name: string]: unknown },
) => { readonly [group: string]: string };

/**
 * History of a run, together with the engine that executed the run. `fit` returns a `RunHistory`.
 *
 * @category Figures
 */
export interface RunHistory extends HistoryRecord {
  /** Engine that executed the run. */
  readonly engine?: EngineRecord;
  /** Reason why the run ended: `finished`, `aborted`, or the reason that a callback passed to `stop`. */
  readonly stopped?: string;
}

/**
 * Options for {@link createRunRecord}.
 *
 * @typeParam T - Tasks of the model.
 * @category Figures
 */
export interface CreateRunRecordOptions<T extends Tasks = Tasks> {
  /** Title of the run, shown in the report. */
  readonly name: string;
  /** Name of the dataset, shown in the report, for example `UTKFace`. */
  readonly datasetName: string;
  /** Training data of the run. */
  readonly train: Dataset<LabelsOf<T>>;
  /** Validation data of the run. The record contains the model's predictions for all validation images, without augmentation. */
  readonly validation?: Dataset<LabelsOf<T>>;
  /** History that `fit` returned. Omit this option to create a record before the run starts; that record contains no predictions. */
  readonly history?: RunHistory;
  /** History column that determines the best epoch. Default: `val_loss`, or `loss` if `validation` is not set. */
  readonly monitor?: string;
  /**
   * Epoch after which the weights of the model were saved, counted from 1. Default: the epoch whose weights the model has, if `fit` trained
   * it in the run of `history`. For a model that was loaded: the best epoch according to `monitor`.
   */
  readonly checkpointEpoch?: number;
  /** Arguments of the run, such as epochs, batch size and seed, shown in the report. Default: none. */
  readonly arguments?: { readonly [name: string]: Json };
  /** Package versions and a description of the machine, shown in the report. Default: none. */
  readonly versions?: { readonly [name: string]: string };
  /** Sentences that the report shows as remarks. Default: none. */
  readonly remarks?: readonly string[];
  /**
   * Function that returns the groups to which an image belongs. Default: each label that is a string defines a group, for example the label
   * of a `gender` task.
   */
  readonly groups?: GroupFunction;
}

/**
 * Creates the record of a run: plain data from which a report is created. The record contains the predictions of the model for
 * every validation image, so pass the best model that was saved: `loadModel(store, { folder: 'best' })`. The report then
 * describes the metrics of its epoch. Absolute paths in the texts of the options are replaced by the names of their files, because records
 * and reports are shared.
 *
 * @throws The errors of `model.predict`. An `argument` error if `checkpointEpoch` is not the epoch whose weights the model has, or if the
 *   run of the model was stopped within an epoch.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 * import { createRunRecord } from 'tfjs-multitask/report';
 *
 * const gray = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const images = imagesInMemory([10, 90, 170, 250].map((light) => ({ image: gray(light), labels: { light } })));
 * const { train, validation } = images.split({ validation: 0.5, seed: 7 });
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const history = await model.fit(train, { validation, epochs: 1, engine: 'wasm' });
 * const record = await createRunRecord(model, { name: 'squares', datasetName: 'grays', train, validation, history });
 * console.log(record.rows.length, record.answers.length); // 1 2
 * ```
 * @category Figures
 */
export async function createRunRecord<T extends Tasks>(
  model: MultiTaskModel<T>,
  options: CreateRunRecordOptions<T>,
): Promise<RunRecord> {
  checks.options('createRunRecord', options, RUN_RECORD_OPTION_NAMES, {
    advice: "Write { name: 'model-a', datasetName: 'UTKFace', train, validation, history }.",
  });
  checkRunRecordArguments(model, options);
  const { name, datasetName, train, validation, history, groups = getStringLabels } = options;
  const { engine, stopped } = history ?? {};
  const monitor = options.monitor ?? (validation ? 'val_loss' : 'loss');
  const epoch = validation && history ? findModelEpoch(model, history, monitor, options) : options;
  const toSplitRecord = (dataset: Dataset<LabelsOf<T>>) =>
    createSplitRecord(dataset, Object.keys(model.tasks), groups);
  return {
    format: 1,
    name: shortenPaths(name),
    remarks: shortenAllPaths(options.remarks ?? []),
    monitor,
    ...(epoch.checkpointEpoch !== undefined && { checkpointEpoch: epoch.checkpointEpoch }),
    ...('isFinalModel' in epoch && epoch.isFinalModel && { isFinalModel: true }),
    ...(stopped !== undefined && { stopped: shortenPaths(stopped) }),
    tasks: Object.entries(model.tasks).map(([task, parts]) => createTaskRecord(task, parts)),
    rows: history?.rows ?? [],
    arguments: shortenAllPaths(options.arguments ?? {}),
    ...(engine && { engine: { name: engine.name, reason: shortenPaths(engine.reason) } }),
    versions: shortenAllPaths(options.versions ?? {}),
    architecture: model.architecture(),
    data: {
      name: shortenPaths(datasetName),
      shape: train.shape,
      skipped: train.skipped.length,
      train: toSplitRecord(train),
      ...(validation && { validation: toSplitRecord(validation) }),
    },
    answers: validation && history ? await predictAnswers(model, validation, groups) : [],
    pictures: [],
    augmented: [],
    gradCams: [],
  };
}

/** Returns the epoch whose metrics belong to the predictions of the model. Without `checkpointEpoch`, it is the best epoch. */
function findModelEpoch<T extends Tasks>(
  model: MultiTaskModel<T>,
  history: RunHistory,
  monitor: string,
  { checkpointEpoch }: Pick<CreateRunRecordOptions<T>, 'checkpointEpoch'>,
): Pick<RunRecord, 'checkpointEpoch' | 'isFinalModel'> {
  const { rows } = history;
  const { run } = model['~network'].lastFit;
  // The history may be a copy that was read from a file.
  const isTrainedByRun = run && (run.rows === rows || JSON.stringify(run.rows) === JSON.stringify(rows));
  const weightsEpoch = isTrainedByRun && rows.length > 0 ? run.weightsEpoch : undefined;
  if (weightsEpoch === undefined) {
    if (checkpointEpoch !== undefined) return { checkpointEpoch };
    const best = findBestEpoch(history, monitor, getMonitorModes(model.tasks, COLUMN_PREFIXES)[monitor]);
    const isDefault = best?.epoch === findBestEpoch(history, monitor)?.epoch;
    return best && !isDefault ? { checkpointEpoch: best.epoch } : {};
  }
  if (weightsEpoch === 'unfinished' || (checkpointEpoch ?? weightsEpoch) !== weightsEpoch) {
    throw createArgumentError(
      'createRunRecord.model',
      `the model of epoch ${checkpointEpoch ?? rows.at(-1)!.epoch}`,
      weightsEpoch === 'unfinished'
        ? 'a model whose training was stopped within an epoch'
        : `the model of epoch ${weightsEpoch}`,
      "Pass a model that bestCheckpoint saved: await loadModel(store, { folder: 'best' }).",
    );
  }
  const isFinalModel = weightsEpoch === rows.at(-1)!.epoch;
  return { checkpointEpoch: weightsEpoch, ...(isFinalModel && { isFinalModel }) };
}

const COLUMN_PREFIXES = ['', 'val_', 'val_unaugmented_'] as const;

/** Names of {@link CreateRunRecordOptions}. */
export const RUN_RECORD_OPTION_NAMES: checks.OptionNames<CreateRunRecordOptions> = {
  name: true,
  datasetName: true,
  train: true,
  validation: true,
  history: true,
  monitor: true,
  checkpointEpoch: true,
  arguments: true,
  versions: true,
  remarks: true,
  groups: true,
};

/** Throws an `argument` error for a model or options of the wrong type. */
export function checkRunRecordArguments<T extends Tasks>(
  model: MultiTaskModel<T>,
  options: CreateRunRecordOptions<T>,
): void {
  checkModel('createRunRecord', model, false);
  checkRunRecordOptions(
    'createRunRecord',
    options as { readonly [name in keyof CreateRunRecordOptions]?: unknown },
  );
}

function checkRunRecordOptions(
  caller: string,
  options: { readonly [name in keyof CreateRunRecordOptions]?: unknown },
): void {
  const { train, validation, history, monitor, checkpointEpoch, remarks, groups } = options;
  for (const name of ['name', 'datasetName'] as const)
    checks.string(`${caller}.${name}`, options[name], { advice: `Write ${name}: 'UTKFace'.` });
  checkIsDataset(`${caller}.train`, train, 'Pass the dataset that you passed to fit().');
  if (validation !== undefined)
    checkIsDataset(
      `${caller}.validation`,
      validation,
      'Pass the dataset that you passed to fit() as validation.',
    );
  if (history !== undefined) {
    const isHistory = Array.isArray((history as Partial<RunHistory> | null)?.rows);
    checks.valid(`${caller}.history`, history, isHistory, {
      noun: 'a history',
      advice: 'Pass the history that fit() returned.',
    });
  }
  if (monitor !== undefined)
    checks.string(`${caller}.monitor`, monitor, {
      noun: 'the name of a history column',
      advice: "Write monitor: 'val_loss'.",
    });
  if (checkpointEpoch !== undefined)
    checks.integer(`${caller}.checkpointEpoch`, checkpointEpoch, {
      min: 1,
      advice: 'Omit it to use the best epoch.',
    });
  for (const name of ['arguments', 'versions'] as const)
    if (options[name] !== undefined)
      checks.record(`${caller}.${name}`, options[name], { advice: 'Omit it for none.' });
  if (remarks !== undefined)
    checks.list(`${caller}.remarks`, remarks, {
      noun: 'an array of sentences',
      advice: "Write remarks: ['...'].",
    });
  if (groups !== undefined)
    checks.callable(`${caller}.groups`, groups, {
      advice: 'Write groups: (id, labels) => ({ gender: labels.gender }).',
    });
}

/** Default group function: returns the labels that are strings, keyed by task. */
const getStringLabels: GroupFunction = (_, labels) =>
  Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

/** Number of images in each batch for which predictions are computed. */
const PREDICT_BATCH_SIZE = 256;

async function predictAnswers<T extends Tasks>(
  model: MultiTaskModel<T>,
  dataset: Dataset<LabelsOf<T>>,
  groups: GroupFunction,
): Promise<PredictionRecord[]> {
  const records: PredictionRecord[] = [];
  for (let from = 0; from < dataset.size; from += PREDICT_BATCH_SIZE) {
    const indices = Array.from(
      { length: Math.min(PREDICT_BATCH_SIZE, dataset.size - from) },
      (_, i) => from + i,
    );
    const images = await Promise.all(indices.map((index) => dataset.read(index)));
    const answers = (await model.predict(images)) as readonly { readonly [task: string]: unknown }[];
    for (const [i, index] of indices.entries()) {
      const labels = dataset.labels(index) as { readonly [name: string]: unknown };
      const id = dataset.id(index);
      const tasks = Object.entries(model.tasks);
      records.push({
        id,
        labels: Object.fromEntries(
          tasks
            .filter(([task]) => getOwnValue(labels, task) !== undefined)
            .map(([task]) => [task, labels[task] as number | string]),
        ),
        answers: Object.fromEntries(
          tasks.map(([task, { labels: classNames }]) => [task, toAnswerValue(answers[i]![task], classNames)]),
        ),
        groups: groups(id, labels),
      });
    }
  }
  return records;
}

/** Converts a prediction to plain numbers: the predicted number of a regression, or an array with one probability per label. */
function toAnswerValue(answer: unknown, labels: readonly string[] | undefined): PredictionValue {
  if (!labels) return answer as number;
  const { label, probability, probabilities } = answer as {
    label: string;
    probability: number;
    probabilities?: { readonly [label: string]: number };
  };
  if (probabilities) return labels.map((name) => probabilities[name]!);
  return labels.map((name) => (name === label ? probability : 1 - probability));
}

function createSplitRecord<L>(
  dataset: Dataset<L>,
  tasks: readonly string[],
  groups: GroupFunction,
): SplitRecord {
  const counts = { labels: new Map<string, Map<any, number>>(), groups: new Map<string, Map<any, number>>() };
  const count = (of: Map<string, Map<any, number>>, name: string, value: unknown) => {
    if (value === undefined) return;
    const valueCounts = of.get(name) ?? new Map<any, number>();
    of.set(name, valueCounts.set(value, (valueCounts.get(value) ?? 0) + 1));
  };
  for (let i = 0; i < dataset.size; i++) {
    const labels = dataset.labels(i) as { readonly [name: string]: unknown };
    for (const task of tasks) count(counts.labels, task, getOwnValue(labels, task));
    for (const [group, value] of Object.entries(groups(dataset.id(i), labels)))
      count(counts.groups, group, value);
  }
  const toSortedCounts = (of: Map<string, Map<any, number>>) =>
    Object.fromEntries(
      Array.from(of, ([name, valueCounts]) => [
        name,
        Array.from(valueCounts).sort(([a], [b]) => (a < b ? -1 : 1)),
      ]),
    );
  return { size: dataset.size, labels: toSortedCounts(counts.labels), groups: toSortedCounts(counts.groups) };
}
