import type { HistoryRow, TaskRecord } from '../../src/core/records/history.js';
import type { PredictionRecord, SplitRecord } from '../../src/core/records/runRecord.js';
import { createRng } from '../../src/core/rng.js';
import type { ReportedRun } from '../../src/report/records/readRunRecord.js';

export const AGE: TaskRecord = { name: 'age', kind: 'regression', unit: 'years', metrics: ['mae'] };
export const GENDER: TaskRecord = {
  name: 'gender',
  kind: 'binary',
  labels: ['male', 'female'],
  metrics: ['accuracy'],
};
export const GRADE: TaskRecord = {
  name: 'grade',
  kind: 'categorical',
  labels: ['low', 'middle', 'high'],
  metrics: ['accuracy'],
};

/** Text with markup, quotes, template braces, control characters, unpaired surrogates, and marks that change the text direction. */
export const HOSTILE = [
  '<script>window.hacked = 1</script>',
  '"><img src=x onerror="window.hacked = 1">',
  "' onmouseover='window.hacked = 1",
  '</svg></style></title><iframe src=//example.com>',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an attempt to inject a template
  '${7 * 7} {{7 * 7}} &lt;b&gt; %3Cscript%3E',
  'line\nbreak\u0000\u0007\u001b[31m \ud800 \u202egpj.exe',
  `a very ${'very '.repeat(60)}long name`,
];

export interface CreateRunOptions {
  readonly name?: string;
  readonly tasks?: readonly TaskRecord[];
  readonly epochs?: number;
  readonly images?: number;
  /** Returns the id of an image. */
  readonly id?: (i: number) => string;
  /** Returns the groups of an image. */
  readonly groups?: (i: number) => { readonly [group: string]: string };
  /** Changes a row of the history. */
  readonly row?: (row: HistoryRow) => HistoryRow;
}

/** Creates the record of a run without training. Losses decrease, and predictions are close to the true values. All values are reproducible. */
export function createRun({
  name = 'made up',
  tasks = [AGE, GENDER],
  epochs = 10,
  images = 200,
  id = (i) => `${i}.jpg`,
  groups = (i) => ({ race: ['white', 'black', 'asian'][i % 3]! }),
  row = (original) => original,
}: CreateRunOptions = {}): ReportedRun {
  const answers = Array.from({ length: images }, (_, i) => createAnswer(tasks, i, id(i), groups(i)));
  const count = (values: readonly (string | number)[]) =>
    [...new Set(values)]
      .sort((a, b) => (a < b ? -1 : 1))
      .map((value) => [value, values.filter((other) => other === value).length] as const);
  const split: SplitRecord = {
    size: images,
    labels: Object.fromEntries(
      tasks.map((task) => [task.name, count(answers.flatMap(({ labels }) => labels[task.name] ?? []))]),
    ),
    groups: { race: count(answers.flatMap((answer) => answer.groups.race ?? [])) as [string, number][] },
  };
  return {
    format: 1,
    name,
    remarks: [],
    monitor: 'val_loss',
    stopped: 'finished',
    tasks,
    rows: Array.from({ length: epochs }, (_, i) => row(createRow(tasks, i + 1))),
    arguments: { epochs, seed: 7, rate: 0.1 + 0.2 },
    engine: { name: 'wasm', reason: 'requested by name' },
    versions: { 'tfjs-multitask': '0.1.0' },
    architecture: {
      layers: [
        {
          name: 'image',
          kind: 'InputLayer',
          detail: '',
          outputShape: [8, 8, 3],
          parameters: 0,
          trainable: true,
          inputs: [],
          calls: [],
          part: 'input',
        },
        ...tasks.map((task) => ({
          name: `${task.name}_dense1`,
          kind: 'Dense',
          detail: 'linear',
          outputShape: [1],
          parameters: 193,
          trainable: true,
          inputs: ['image'],
          calls: [[{ layer: 'image', call: 0 }]],
          part: task.name,
        })),
      ],
      parameters: 193 * tasks.length,
      trainableParameters: 193 * tasks.length,
    },
    data: { name: 'made up', shape: [8, 8, 3], skipped: 0, train: split, validation: split },
    answers,
    pictures: [],
    augmented: [],
    gradCams: [],
    images: new Map(),
  };
}

function createAnswer(
  tasks: readonly TaskRecord[],
  i: number,
  id: string,
  groups: PredictionRecord['groups'],
): PredictionRecord {
  const random = createRng(1, 'answer', i);
  const labels: Record<string, number | string> = {};
  const answers: Record<string, number | number[]> = {};
  for (const { name, labels: taskLabels } of tasks) {
    if (taskLabels) {
      const truth = random.nextInt(taskLabels.length);
      const weights = taskLabels.map((_, label) => random.next() + (label === truth ? 0.8 : 0));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      labels[name] = taskLabels[truth]!;
      answers[name] = weights.map((weight) => weight / sum);
    } else {
      const truth = 1 + random.nextInt(90);
      labels[name] = truth;
      answers[name] = truth + 8 * random.normal();
    }
  }
  return { id, labels, answers, groups };
}

function createRow(tasks: readonly TaskRecord[], epoch: number): HistoryRow {
  const random = createRng(2, 'row', epoch);
  const columns = tasks.flatMap(({ name, metrics }) =>
    ['', 'val_', 'val_unaugmented_'].flatMap((prefix) => [
      [`${prefix}${name}_loss`, 100 / (epoch + random.next())],
      ...metrics.map((metric): [string, number] => [
        `${prefix}${name}_${metric}`,
        metric === 'accuracy' ? 1 - 0.5 / (epoch + random.next()) : 20 / (epoch + random.next()),
      ]),
    ]),
  );
  return {
    epoch,
    loss: 200 / epoch,
    ...Object.fromEntries(columns),
    val_loss: 200 / (epoch + random.next()),
    val_unaugmented_loss: 190 / epoch,
    learning_rate: 1e-3 * 0.95 ** epoch,
    seconds: 10 + random.next(),
  };
}
