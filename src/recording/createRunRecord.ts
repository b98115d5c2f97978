import type { Json } from '../core/json.js';
import { getOwnValue } from '../core/lookup.js';
import type { HistoryRecord } from '../core/records/history.js';
import type {
  EngineRecord,
  PredictionRecord,
  PredictionValue,
  RunRecord,
  SplitRecord,
} from '../core/records/runRecord.js';
import type { Dataset } from '../data/dataset.js';
import type { MultiTaskModel } from '../model/multiTaskModel.js';
import { createTaskRecord, type LabelsOf, type Tasks } from '../tasks/task.js';

/**
 * What an image belongs to, from its name and its labels: `{ sex: 'female', race: 'asian' }`.
 *
 * @category Figures
 */
export type GroupFunction = (
  id: string,
  labels: { readonly [name: string]: unknown },
) => { readonly [group: string]: string };

/**
 * A history, and how it was made: what `fit` returns is one.
 *
 * @category Figures
 */
export interface RunHistory extends HistoryRecord {
  /** What executed it. */
  readonly engine?: EngineRecord;
  /** Why it ended: `finished`, `aborted`, or the reason a callback gave. */
  readonly stopped?: string;
}

/**
 * What {@link createRunRecord} takes.
 *
 * @typeParam T - The model's tasks.
 * @category Figures
 */
export interface CreateRunRecordOptions<T extends Tasks = Tasks> {
  /** A title for the reader. */
  readonly name: string;
  /** What the images are called: `UTKFace`. */
  readonly datasetName: string;
  /** What was trained on. */
  readonly train: Dataset<LabelsOf<T>>;
  /** What is judged: the model answers for each of its images, not augmented. */
  readonly validation?: Dataset<LabelsOf<T>>;
  /** What `fit` returned. Default: the run has not begun, and there are no answers. */
  readonly history?: RunHistory;
  /** The column whose best epoch was kept, and is told. Default `val_loss`, or `loss` without `validation`. */
  readonly monitor?: string;
  /** The epoch whose model this is, counted from 1. Default: the best of `monitor`, the smallest, or of an accuracy the largest. */
  readonly keptEpoch?: number;
  /** What the run was told: epochs, batch size, seed, …. Default none. */
  readonly arguments?: { readonly [name: string]: Json };
  /** Of packages and the machine. Default none. */
  readonly versions?: { readonly [name: string]: string };
  /** Sentences that a reader must know. Default none. */
  readonly remarks?: readonly string[];
  /** What each image belongs to, beside its tasks. Default: its labels that are words, `gender` say. */
  readonly groups?: GroupFunction;
}

/**
 * A run as plain records: what a report reads. The model answers for every validation image, so give the one that was kept:
 * `loadModel(store, { folder: 'best' })`.
 *
 * @throws The faults of `model.predict`.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 * import { describeRun } from 'tfjs-multitask/report';
 *
 * const grey = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const images = imagesInMemory([10, 90, 170, 250].map((light) => ({ image: grey(light), labels: { light } })));
 * const { train, validation } = images.split({ validation: 0.5, seed: 7 });
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const history = await model.fit(train, { validation, epochs: 1, engine: 'wasm' });
 * const record = await describeRun(model, { name: 'squares', dataName: 'greys', train, validation, history });
 * console.log(record.rows.length, record.answers.length); // 1 2
 * ```
 * @category Figures
 */
export async function createRunRecord<T extends Tasks>(
  model: MultiTaskModel<T>,
  options: CreateRunRecordOptions<T>,
): Promise<RunRecord> {
  const { name, datasetName, train, validation, history, groups = getStringLabels } = options;
  const { engine, stopped } = history ?? {};
  const split = (dataset: Dataset<LabelsOf<T>>) =>
    createSplitRecord(dataset, Object.keys(model.tasks), groups);
  return {
    format: 1,
    name,
    remarks: options.remarks ?? [],
    monitor: options.monitor ?? (validation ? 'val_loss' : 'loss'),
    ...(options.keptEpoch !== undefined && { keptEpoch: options.keptEpoch }),
    ...(stopped !== undefined && { stopped }),
    tasks: Object.entries(model.tasks).map(([task, parts]) => createTaskRecord(task, parts)),
    rows: history?.rows ?? [],
    arguments: options.arguments ?? {},
    ...(engine && { engine: { name: engine.name, reason: engine.reason } }),
    versions: options.versions ?? {},
    architecture: model.architecture(),
    data: {
      name: datasetName,
      shape: train.shape,
      skipped: train.skipped.length,
      train: split(train),
      ...(validation && { validation: split(validation) }),
    },
    answers: validation && history ? await predictAnswers(model, validation, groups) : [],
    pictures: [],
    augmented: [],
    gradCams: [],
  };
}

/** Labels that are words. */
const getStringLabels: GroupFunction = (_, labels) =>
  Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

/** Images that are read and predicted at a time. */
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
          tasks.map(([task, { labels: names }]) => [task, toAnswerValue(answers[i]![task], names)]),
        ),
        groups: groups(id, labels),
      });
    }
  }
  return records;
}

/** An answer of `predict` as numbers. */
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
    const known = of.get(name) ?? new Map<any, number>();
    of.set(name, known.set(value, (known.get(value) ?? 0) + 1));
  };
  for (let i = 0; i < dataset.size; i++) {
    const labels = dataset.labels(i) as { readonly [name: string]: unknown };
    for (const task of tasks) count(counts.labels, task, getOwnValue(labels, task));
    for (const [group, value] of Object.entries(groups(dataset.id(i), labels)))
      count(counts.groups, group, value);
  }
  const listed = (of: Map<string, Map<any, number>>) =>
    Object.fromEntries(
      Array.from(of, ([name, known]) => [name, Array.from(known).sort(([a], [b]) => (a < b ? -1 : 1))]),
    );
  return { size: dataset.size, labels: listed(counts.labels), groups: listed(counts.groups) };
}
