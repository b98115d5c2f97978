import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
import { didYouMean, suggestAwait } from '../core/errors/suggestions.js';
import type { Json } from '../core/json.js';
import type { Dataset, SampleWeight } from '../data/dataset.js';
import { splitFrozen } from '../network/frozenSplit.js';
import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { checkLossWeights } from '../steps/weightedLoss.js';
import type { Tasks } from '../tasks/task.js';
import type { Callback } from './callback.js';
import { computeFingerprint, type Fingerprint } from './checkpoint.js';
import type { FitConfig } from './trainingRun.js';

/** Throws an `argument` fault for a part of `fit` that is something else: JavaScript has no compiler to say so. */
export function validateFitArguments(train: unknown, given: { readonly [option: string]: unknown }): void {
  const { validation, loss, optimizer, callbacks = [] } = given;
  const createOptionError = (name: string, expected: string, value: unknown, advice: string) =>
    createArgumentError(`fit.${name}`, expected, describeType(value), suggestAwait(value, advice));
  const isDataset = (value: unknown) => typeof (value as Dataset<unknown> | null)?.augment === 'function';
  if (!isDataset(train)) {
    throw createOptionError(
      'train',
      'a dataset',
      train,
      'Create one with imageFolder() or imagesInMemory().',
    );
  }
  if (validation !== undefined && !isDataset(validation)) {
    const advice = 'Use the second part of dataset.split({ validation: 0.2 }).';
    throw createOptionError('validation', 'a dataset', validation, advice);
  }
  if (loss !== undefined && (loss as { '~loss'?: string } | null)?.['~loss'] !== 'weighted') {
    const advice = 'Write loss: weightedLoss({ age: 1, gender: 50 }).';
    throw createOptionError('loss', 'a weighted loss', loss, advice);
  }
  if (optimizer !== undefined && typeof (optimizer as Optimizer | null)?.rule !== 'object') {
    throw createOptionError(
      'optimizer',
      'an optimizer',
      optimizer,
      'Write optimizer: adam(), adamw() or sgd().',
    );
  }
  for (const name of ['checkpoint', 'featureCache']) {
    const store = given[name];
    if (store === undefined) continue;
    const folder = typeof store === 'string' ? store : 'out';
    const advice = `Write ${name}: folderStore('${folder}'), from tfjs-multitask/node.`;
    checks.store(`fit.${name}`, store, { advice });
  }
  checks.list('fit.callbacks', callbacks, {
    noun: 'an array of callbacks',
    advice: 'Write callbacks: [ ... ].',
  });
  callbacks.forEach((callback: unknown, i) => {
    if (typeof (callback as Callback | null)?.create === 'function') return;
    const advice = 'Write earlyStopping(), or an object with a name and create(run).';
    throw createOptionError(`callbacks[${i}]`, 'a callback', callback, advice);
  });
}

/** Throws an `argument` or `data` fault for anything that would spoil the run later. */
export function validateFitConfig({
  network,
  train,
  validation,
  epochs,
  batchSize,
  seed,
  loss,
  evaluateUnaugmented,
  featureCache,
}: FitConfig): void {
  checkLossWeights(loss, network.tasks);
  checks.integer('fit.batchSize', batchSize, { min: 1, defaultValue: 32 });
  checks.integer('fit.epochs', epochs, {
    min: 1,
    advice: 'Give the number of the last epoch, counted from 1.',
  });
  checks.integer('fit.seed', seed, { min: 0, defaultValue: 0 });
  if (evaluateUnaugmented && !validation) {
    throw createError({
      kind: 'argument',
      path: 'fit.evaluateUnaugmented',
      expected: 'a validation dataset to evaluate without augmentation',
      received: 'no validation dataset',
      advice: 'Pass validation, or omit evaluateUnaugmented.',
    });
  }
  if (!network.layersModel.layers.some((layer) => layer.trainableWeights.length > 0)) {
    throw createError({
      kind: 'argument',
      path: 'fit',
      expected: 'a model with at least one trainable layer',
      received: 'a model whose layers are all frozen',
      advice: 'Set trainable: true on the layers to train.',
    });
  }
  if (featureCache && !splitFrozen(network.graph).frozenGraph) {
    throw createError({
      kind: 'argument',
      path: 'fit.featureCache',
      expected: 'a model whose first layers are frozen',
      received: 'a model whose first layers are trained',
      advice: 'Freeze the first layers with trainable: false, or omit featureCache.',
    });
  }
  checkDataset('train', train, network.tasks, network.input.shape);
  if (validation) checkDataset('validation', validation, network.tasks, network.input.shape);
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
      advice: 'Check `dataset.skipped`, the list of files that could not be used.',
    });
  }
  if (dataset.shape.join() !== shape.join()) {
    throw createError({
      kind: 'argument',
      path,
      expected: `images of ${shape.join('x')} (height, width, channels)`,
      received: `images of ${dataset.shape.join('x')}`,
      advice: 'Pass the same size to imageFolder() and multiTask().',
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
      received: 'only images without such a label',
      advice: 'Check the name of the label, or remove the task.',
    });
  }
}

function checkSampleWeights(weights: SampleWeight, path: string, tasks: readonly string[]): void {
  const each =
    typeof weights === 'number' ? [[path, weights] as const] : toWeightEntries(weights, path, tasks);
  for (const [weightPath, weight] of each) {
    checks.number(weightPath, weight, {
      kind: 'data',
      min: 0,
      advice: 'Give 0 to exclude the image from the loss, or 1 for the normal weight.',
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
    expected: `a number, or an object with a number for each of ${tasks.join(', ')}`,
    received: formatValue(unknown ?? weights),
    advice: (unknown && didYouMean(unknown, tasks)) ?? "Use the names of the model's tasks.",
  });
}

/** What the weights and slots of a run belong to: part of its contract, and all of it that its model and optimiser say. */
export function getModelFingerprintParts(
  network: Network,
  optimizer: Optimizer,
): { readonly [part: string]: Json } {
  return {
    model: network.layersModel.getConfig() as unknown as Json,
    tasks: Object.entries(network.tasks).map(([name, task]) => [
      name,
      task.kind,
      task.labels ?? null,
      task.loss.name,
      task.loss.options,
      task.metrics.map((metric) => metric.name),
    ]),
    'pixel range': network.input.range,
    optimizer: optimizer.description,
  };
}

/** Digests of what a run rests on. Epochs, engine, callbacks and folders may change between its parts. */
export function computeRunFingerprint(plan: FitConfig): Promise<Fingerprint> {
  const { network, train, validation, batchSize, seed, shuffle, loss, optimizer, lossAverage } = plan;
  const { optimizer: updates, ...model } = getModelFingerprintParts(network, optimizer);
  return computeFingerprint({
    ...model,
    'training data': train.description.data,
    'validation data': validation?.description.data ?? null,
    augmentation: [train.description.augmentation, validation?.description.augmentation ?? null],
    loss: [loss.weights, loss.classWeights as Json, lossAverage],
    optimizer: updates!,
    'batch size': batchSize,
    seed: [seed, shuffle],
  });
}
