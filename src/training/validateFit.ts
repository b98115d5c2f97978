import { checkInteger } from '../core/errors/checkInteger.js';
import { createError, describeType, didYouMean, formatValue, suggestFix } from '../core/errors/errors.js';
import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import type { Dataset, SampleWeight } from '../data/dataset.js';
import { splitFrozen } from '../network/frozenSplit.js';
import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { checkLossWeights } from '../steps/weightedLoss.js';
import type { Tasks } from '../tasks/task.js';
import { HOOK_NAMES } from './callback.js';
import { computeFingerprint, type Fingerprint } from './checkpoint.js';
import type { FitConfig } from './trainingRun.js';

/** Throws an `argument` fault for a part of `fit` that is something else: JavaScript has no compiler to say so. */
export function validateFitArguments(train: unknown, given: { readonly [option: string]: unknown }): void {
  const { validation, loss, optimizer, callbacks = [] } = given;
  const wrong = (path: string, expected: string, received: unknown, advice: string) =>
    createError({
      kind: 'argument',
      path: `fit.${path}`,
      expected,
      received: describeType(received),
      advice,
    });
  const isDataset = (value: unknown) => typeof (value as Dataset<unknown> | null)?.augment === 'function';
  if (!isDataset(train)) {
    const advice = 'Make one with imageFolder() or imagesInMemory().';
    throw wrong('train', 'a dataset', train, suggestFix(train, advice));
  }
  if (validation !== undefined && !isDataset(validation)) {
    const advice = 'Take it from dataset.split({ validation: 0.2 }).';
    throw wrong('validation', 'a dataset', validation, suggestFix(validation, advice));
  }
  if (loss !== undefined && (loss as { '~loss'?: string } | null)?.['~loss'] !== 'weighted') {
    throw wrong('loss', 'weightedLoss({ ... })', loss, 'Write loss: weightedLoss({ age: 1, gender: 50 }).');
  }
  if (optimizer !== undefined && typeof (optimizer as Optimizer | null)?.rule !== 'object') {
    throw wrong('optimizer', 'an optimiser', optimizer, 'Write optimizer: adam(), adamw() or sgd().');
  }
  for (const name of ['checkpoint', 'featureCache']) {
    const store = given[name];
    const { read, write } = (store ?? {}) as Partial<Store>;
    if (store === undefined || (typeof read === 'function' && typeof write === 'function')) continue;
    const folder = typeof store === 'string' ? store : 'out';
    throw wrong(name, 'a store', store, `Write ${name}: folderStore('${folder}'), from tfjs-multitask/node.`);
  }
  if (!Array.isArray(callbacks)) {
    throw wrong('callbacks', 'a list of callbacks', callbacks, 'Put it into [ and ].');
  }
  callbacks.forEach((callback: unknown, i) => {
    checkCallback(`fit.callbacks[${i}]`, callback);
  });
}

/** Throws an `argument` error unless `callback` is an object with either hooks or `create`. */
function checkCallback(path: string, callback: unknown): void {
  const createCallbackError = (expected: string, received: string, advice: string) =>
    createError({ kind: 'argument', path, expected, received, advice });
  if (typeof callback !== 'object' || callback === null) {
    const advice = 'Write earlyStopping(), or an object with a name and hooks such as onEpochEnd.';
    throw createCallbackError('a callback', describeType(callback), suggestFix(callback, advice));
  }
  const properties = callback as { readonly [name: string]: unknown };
  const isFunction = (name: string) => typeof properties[name] === 'function';
  const unknown = Object.keys(properties).find(
    (name) => /^on[A-Z]/.test(name) && !HOOK_NAMES.includes(name as never) && isFunction(name),
  );
  if (unknown !== undefined) {
    const advice = didYouMean(unknown, HOOK_NAMES) ?? 'Use one of these names.';
    throw createCallbackError(`hooks named ${HOOK_NAMES.join(', ')}`, `a hook named ${unknown}`, advice);
  }
  const hook = HOOK_NAMES.find(isFunction);
  if (isFunction('create') && (hook !== undefined || isFunction('getState'))) {
    const both = `an object with create() and ${hook ?? 'getState'}()`;
    throw createCallbackError(
      'either hooks or create()',
      both,
      'Return the hooks and getState() from create().',
    );
  }
  if (isFunction('create')) return;
  if (isFunction('getState')) {
    const advice = 'Add create(run, saved), and return the hooks and getState() from it.';
    throw createCallbackError('create() in a callback with state', 'an object with getState() alone', advice);
  }
  if (hook === undefined) {
    const advice = 'Add a hook such as onEpochEnd, or create(run, saved).';
    throw createCallbackError('a callback with at least one hook', 'an object without hooks', advice);
  }
}

/** Throws an `argument` fault unless `value` can be the size of a batch. */
export function checkBatchSize(path: string, value: number): void {
  checkInteger(path, value, 1, 'Leave it out for 32.');
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
  checkBatchSize('fit.batchSize', batchSize);
  checkInteger('fit.epochs', epochs, 1, 'It is the number of the last epoch, counted from 1.');
  checkInteger('fit.seed', seed, 0, 'Leave it out for 0.');
  if (evaluateUnaugmented && !validation) {
    throw createError({
      kind: 'argument',
      path: 'fit.evaluateUnaugmented',
      expected: 'a validation dataset to judge without augmentation',
      received: 'none',
      advice: 'Give validation, or leave evaluateUnaugmented out.',
    });
  }
  if (!network.layersModel.layers.some((layer) => layer.trainableWeights.length > 0)) {
    throw createError({
      kind: 'argument',
      path: 'fit',
      expected: 'a model with at least one layer that is trained',
      received: 'one whose layers are all frozen',
      advice: 'Set trainable to true on the layers to train.',
    });
  }
  if (featureCache && !splitFrozen(network.graph).frozenGraph) {
    throw createError({
      kind: 'argument',
      path: 'fit.featureCache',
      expected: 'a model that begins with frozen layers',
      received: 'one whose first weights are trained',
      advice: 'Freeze them with trainable: false, or leave featureCache out.',
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
