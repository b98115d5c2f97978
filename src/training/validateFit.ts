import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { Dataset } from '../data/dataset.js';
import { checkDataset } from '../inference/checkDataset.js';
import { splitFrozen } from '../network/frozenSplit.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { checkLossWeights } from '../steps/weightedLoss.js';
import type { Callback } from './callback.js';
import { checkCallback } from './checkCallback.js';
import { checkOutputs } from './runOutputs.js';
import type { FitConfig } from './trainingRun.js';

/**
 * Throws an `argument` error for an argument of `fit` that has the wrong type. The check is for JavaScript programs, where the compiler
 * does not report such mistakes.
 */
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
      'Create a dataset with imageFolder() or imagesInMemory().',
    );
  }
  if (validation !== undefined && !isDataset(validation)) {
    const advice = 'Write const { train, validation } = dataset.split({ validation: 0.2 }).';
    throw createOptionError('validation', 'a dataset', validation, advice);
  }
  if (loss !== undefined && (loss as { '~loss'?: string } | null)?.['~loss'] !== 'weighted') {
    const advice = 'Write loss: weightedLoss({ age: 1, gender: 50 }).';
    throw createOptionError('loss', 'a weighted loss', loss, advice);
  }
  if (optimizer !== undefined && typeof (optimizer as Optimizer | null)?.rule !== 'object') {
    throw createOptionError('optimizer', 'an optimizer', optimizer, 'Write for example optimizer: adam().');
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
    checkCallback(`fit.callbacks[${i}]`, callback);
  });
  checkOutputs(callbacks as readonly Callback<string>[]);
  checkResume(given);
}

/** Throws an `argument` error for invalid values and combinations of `resume`, `overwrite` and `checkpoint`. */
function checkResume(options: { readonly [option: string]: unknown }): void {
  const { resume = false, overwrite = false, checkpoint } = options;
  checks.oneOf('fit.resume', resume, [true, false, 'auto'], {
    advice: "Pass true to continue a run, or 'auto' to continue it if there is a checkpoint.",
  });
  checks.boolean('fit.overwrite', overwrite, { advice: 'Pass true to replace the files of an earlier run.' });
  if (resume === true && overwrite) {
    throw createArgumentError(
      'fit.overwrite',
      'either resume: true or overwrite: true',
      'both',
      "Remove one of them, or pass resume: 'auto' to continue a run if there is a checkpoint.",
    );
  }
  if (resume !== false && checkpoint === undefined) {
    throw createArgumentError(
      'fit.checkpoint',
      'a store with the checkpoint of the run to resume',
      'no store',
      'Pass checkpoint: the store of that run, or remove resume.',
    );
  }
}

/** Throws an `argument` or `data` error for options and datasets with which the run would fail later. */
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
    advice: 'Set epochs to the number of epochs, for example 10.',
  });
  checks.integer('fit.seed', seed, { min: 0, defaultValue: 0 });
  if (evaluateUnaugmented && !validation) {
    throw createError({
      kind: 'argument',
      path: 'fit.evaluateUnaugmented',
      expected: 'a validation dataset that can be evaluated without augmentation',
      received: 'no validation dataset',
      advice: 'Set the option validation, or omit evaluateUnaugmented.',
    });
  }
  if (!network.layersModel.layers.some((layer) => layer.trainableWeights.length > 0)) {
    throw createError({
      kind: 'argument',
      path: 'fit',
      expected: 'a model with at least one trainable layer',
      received: 'a model whose layers are all frozen',
      advice: 'Unfreeze the layers to train with model.unfreeze().',
    });
  }
  if (featureCache && !splitFrozen(network.graph).frozenGraph) {
    throw createError({
      kind: 'argument',
      path: 'fit.featureCache',
      expected: 'a model whose first layers are frozen',
      received: 'a model whose first layers are trainable',
      advice: 'Freeze the first layers with model.freeze(), or omit featureCache.',
    });
  }
  checkDataset('train', train, network.tasks, network.input.shape);
  if (validation) checkDataset('validation', validation, network.tasks, network.input.shape);
}
