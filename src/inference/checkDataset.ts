import { checkInteger } from '../core/errors/checkInteger.js';
import { createError, didYouMean, formatValue } from '../core/errors/errors.js';
import type { Dataset, SampleWeight } from '../data/dataset.js';
import type { Tasks } from '../tasks/task.js';

/** Throws an `argument` fault unless `value` can be the size of a batch. */
export function checkBatchSize(path: string, value: number): void {
  checkInteger(path, value, 1, 'Leave it out for 32.');
}

/** Every label is looked at before the first step: a wrong one in the last batch must not cost an epoch. */
export function checkDataset(
  path: string,
  dataset: Dataset<any>,
  tasks: Tasks,
  shape: readonly number[],
): void {
  if (dataset.size === 0) {
    throw createError({
      kind: 'data',
      path,
      expected: 'at least one image',
      received: 'an empty dataset',
      advice: 'Look at its `skipped` list: files that could not be used are there.',
    });
  }
  if (dataset.shape.join() !== shape.join()) {
    throw createError({
      kind: 'argument',
      path,
      expected: `images of ${shape.join('x')} (height, width, channels)`,
      received: dataset.shape.join('x'),
      advice: 'Give imageFolder and multiTask the same size.',
    });
  }
  const labelled = new Set<string>();
  for (let i = 0; i < dataset.size; i++) {
    const labels = dataset.labels(i);
    for (const [name, task] of Object.entries(tasks)) {
      if (labels[name] === undefined) continue;
      task.encode(labels[name], `${dataset.id(i)}: ${name}`);
      labelled.add(name);
    }
    checkSampleWeights(dataset.sampleWeight(i), `weight of ${dataset.id(i)}`, Object.keys(tasks));
  }
  const bare = Object.keys(tasks).find((name) => !labelled.has(name));
  if (bare !== undefined) {
    throw createError({
      kind: 'data',
      path: `${path}: ${bare}`,
      expected: 'at least one image with a label for this task',
      received: 'none',
      advice: 'Check the name of the label, or leave the task out.',
    });
  }
}

function checkSampleWeights(weights: SampleWeight, path: string, tasks: readonly string[]): void {
  const each =
    typeof weights === 'number' ? [[path, weights] as const] : toWeightEntries(weights, path, tasks);
  for (const [place, weight] of each) {
    if (Number.isFinite(weight) && weight >= 0) continue;
    throw createError({
      kind: 'data',
      path: place,
      expected: 'a number of at least 0',
      received: formatValue(weight),
      advice: 'Give 0 to leave the image out of the loss, 1 for an ordinary one.',
    });
  }
}

function toWeightEntries(weights: Exclude<SampleWeight, number>, path: string, tasks: readonly string[]) {
  const unknown = Object.keys(weights ?? {}).find((name) => !tasks.includes(name));
  if (typeof weights === 'object' && weights !== null && unknown === undefined) {
    return Object.entries(weights).map(([name, weight]) => [`${path}: ${name}`, weight] as const);
  }
  throw createError({
    kind: 'data',
    path: unknown === undefined ? path : `${path}: ${unknown}`,
    expected: `a number, or one for each of ${tasks.join(', ')}`,
    received: formatValue(unknown ?? weights),
    advice: (unknown && didYouMean(unknown, tasks)) ?? 'Name the tasks of the model.',
  });
}
