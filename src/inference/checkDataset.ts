import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { Dataset, SampleWeight } from '../data/dataset.js';
import type { Tasks } from '../tasks/task.js';

/**
 * Throws a `data` or `argument` error for a dataset that does not match the tasks and the image shape of a model. All labels are checked in
 * advance, so that an invalid label cannot abort training halfway through an epoch.
 */
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
      expected: 'a dataset with at least one image',
      received: 'an empty dataset',
      advice: 'Check dataset.skipped to see which files could not be used and why.',
    });
  }
  if (dataset.shape.join() !== shape.join()) {
    throw createError({
      kind: 'argument',
      path,
      expected: `images of ${shape.join('x')} (height, width, channels), the input shape of the model`,
      received: `images of ${dataset.shape.join('x')}`,
      advice: 'Use the same image size for the dataset and for the input of multiTask().',
    });
  }
  const labeledTasks = new Set<string>();
  for (let i = 0; i < dataset.size; i++) {
    const labels = dataset.labels(i);
    checks.record(`${dataset.id(i)}: labels`, labels, {
      kind: 'data',
      noun: 'an object with a label for each task',
      advice: 'Return { labels: { age: 31 } } from the label reader.',
    });
    for (const [name, task] of Object.entries(tasks)) {
      if (labels[name] === undefined) continue;
      task.encode(labels[name], `${dataset.id(i)}: ${name}`);
      labeledTasks.add(name);
    }
    checkSampleWeights(dataset.sampleWeight(i), `weight of ${dataset.id(i)}`, Object.keys(tasks));
  }
  const unlabeledTask = Object.keys(tasks).find((name) => !labeledTasks.has(name));
  if (unlabeledTask !== undefined) {
    throw createError({
      kind: 'data',
      path: `${path}: ${unlabeledTask}`,
      expected: 'at least one image with a label for this task',
      received: 'no images with such a label',
      advice:
        'Check that the labels of the dataset use the name of the task, or remove the task from the model.',
    });
  }
}

function checkSampleWeights(weights: SampleWeight, path: string, tasks: readonly string[]): void {
  const entries =
    typeof weights === 'number' ? [[path, weights] as const] : toWeightEntries(weights, path, tasks);
  for (const [weightPath, weight] of entries) {
    checks.number(weightPath, weight, {
      kind: 'data',
      min: 0,
      max: checks.MAX_FLOAT,
      advice: 'Use 1 for the default weight, or 0 to exclude the image from the loss.',
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
    expected:
      unknown === undefined
        ? `a number, or an object with numbers for the tasks ${tasks.join(', ')}`
        : `a task of the model (${tasks.join(', ')})`,
    received: formatValue(unknown ?? weights),
    advice: (unknown && didYouMean(unknown, tasks)) ?? 'Use task names as keys.',
  });
}

/** Throws an `argument` error unless `value` is a dataset. Datasets from other copies of the library are accepted. */
export function checkIsDataset(path: string, value: unknown, advice: string): void {
  const isDataset = typeof (value as Dataset<unknown> | null | undefined)?.augment === 'function';
  checks.valid(path, value, isDataset, { noun: 'a dataset', advice });
}
