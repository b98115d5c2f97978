import { checkInteger } from '../core/errors/checkInteger.js';
import { createError, describeType, didYouMean, suggestFix } from '../core/errors/errors.js';
import type { Store } from '../core/platform/platform.js';
import type { Dataset } from '../data/dataset.js';
import { checkBatchSize, checkDataset } from '../inference/checkDataset.js';
import { splitFrozen } from '../network/frozenSplit.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { checkLossWeights } from '../steps/weightedLoss.js';
import { HOOK_NAMES } from './callback.js';
import type { FitConfig } from './trainingRun.js';

/** Throws an `argument` error for an argument of `fit` of the wrong type. It is for JavaScript, which has no type errors. */
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

/** Throws an `argument` or `data` error for options and data that a later step of the run could not use. */
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
