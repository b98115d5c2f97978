import * as checks from '../core/errors/checks.js';
import { createArgumentError, createError } from '../core/errors/errors.js';
import type { Store } from '../core/platform/platform.js';
import { checkDataset, checkIsDataset } from '../inference/checkDataset.js';
import { checkLossOptions, LOSS_OPTION_NAMES, LOSS_OPTION_REPLACEMENTS } from '../inference/lossOptions.js';
import { splitFrozen } from '../network/frozenSplit.js';
import { checkOptimizer } from '../optimizers/optimizer.js';
import { checkLossWeights } from '../steps/weightedLoss.js';
import type { Tasks } from '../tasks/task.js';
import type { Callback } from './callback.js';
import { checkCallback } from './checkCallback.js';
import type { FitOptions } from './fitOptions.js';
import { checkOutputs } from './runOutputs.js';
import type { FitConfig } from './trainingRun.js';

/** Names of the options in {@link FitOptions}, used to reject unknown options. */
const FIT_OPTION_NAMES: checks.OptionNames<FitOptions<Tasks, { readonly [task: string]: number }>> = {
  ...LOSS_OPTION_NAMES,
  epochs: true,
  seed: true,
  validation: true,
  evaluateUnaugmented: true,
  optimizer: true,
  callbacks: true,
  checkpoint: true,
  resume: true,
  overwrite: true,
  featureCache: true,
  signal: true,
  shuffle: true,
  clock: true,
};

const FIT_REPLACEMENTS = {
  ...LOSS_OPTION_REPLACEMENTS,
  validationSplit: 'Write dataset.split({ validation: 0.2 }), and pass its second part as validation.',
  initialEpoch: 'Pass a checkpoint store and resume: true.',
  stepsPerEpoch: 'Write dataset.take(count) to train on fewer images.',
  workers: 'Write dataset.withWorkers(workerThreads({ count: 4 })).',
  lr: 'Write optimizer: adam({ learningRate: 0.001 }).',
  learningRate: 'Write optimizer: adam({ learningRate: 0.001 }).',
  patience: 'Write callbacks: [earlyStopping({ patience: 3 })].',
  monitor: "Write callbacks: [earlyStopping({ monitor: 'val_loss' })].",
} as const;

/** Options for `fit` before they are checked. A JavaScript caller may pass any value. */
export type UncheckedFitOptions = { readonly [name in keyof typeof FIT_OPTION_NAMES]?: unknown };

/**
 * Throws an `argument` error for unknown options, and for values of the wrong type. The TypeScript compiler does not detect these errors in
 * JavaScript programs, and does not detect unknown options in an object that is stored in a variable.
 */
export function validateFitArguments(train: unknown, options: UncheckedFitOptions): void {
  checkIsDataset('fit.train', train, 'Create a dataset with imageFolder() or imagesInMemory().');
  checks.options<UncheckedFitOptions>('fit', options, FIT_OPTION_NAMES, {
    advice: 'Write model.fit(train, { epochs: 10 }).',
    replacements: FIT_REPLACEMENTS,
  });
  const { validation, optimizer, callbacks = [] } = options;
  checkLossOptions('fit', options);
  if (validation !== undefined)
    checkIsDataset(
      'fit.validation',
      validation,
      'Use the second part of dataset.split({ validation: 0.2 }).',
    );
  if (optimizer !== undefined) checkOptimizer('fit.optimizer', optimizer);
  for (const name of ['checkpoint', 'featureCache'] as const) {
    const store = options[name];
    if (store === undefined) continue;
    const folder = typeof store === 'string' ? store : 'out';
    const advice = `Write ${name}: folderStore('${folder}'), from tfjs-multitask/node.`;
    checks.store(`fit.${name}`, store, { advice });
  }
  for (const name of ['evaluateUnaugmented', 'overwrite', 'shuffle'] as const) {
    const advice = 'Write true or false without quotation marks, or omit the option.';
    if (options[name] !== undefined) checks.boolean(`fit.${name}`, options[name], { advice });
  }
  checkResume(options);
  if (options.signal !== undefined) checks.signal('fit.signal', options.signal);
  if (options.clock !== undefined)
    checks.callable('fit.clock', options.clock, { advice: 'Omit it to use performance.now().' });
  checks.list('fit.callbacks', callbacks, {
    noun: 'an array of callbacks',
    advice: 'Write callbacks: [ ... ].',
  });
  callbacks.forEach((callback: unknown, i) => {
    checkCallback(`fit.callbacks[${i}]`, callback);
  });
  checkOutputs(callbacks as readonly Callback<string>[], options.checkpoint as Store | undefined);
}

/** Throws an `argument` error for invalid values and combinations of `resume`, `overwrite` and `checkpoint`. */
function checkResume({ resume = false, overwrite = false, checkpoint }: UncheckedFitOptions): void {
  checks.oneOf('fit.resume', resume, [true, false, 'auto'], {
    advice: "Pass true to continue a run, or 'auto' to continue it if there is a checkpoint.",
  });
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

/** Throws an `argument` or `data` error for options and datasets that would make the run fail later. */
export function validateFitConfig({
  network,
  train,
  validation,
  epochs,
  seed,
  loss,
  evaluateUnaugmented,
  featureCache,
}: FitConfig): void {
  checkLossWeights(loss, network.tasks);
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
      advice: 'Set the validation option, or omit evaluateUnaugmented.',
    });
  }
  if (!network.layersModel.layers.some((layer) => layer.trainableWeights.length > 0)) {
    throw createError({
      kind: 'argument',
      path: 'fit',
      expected: 'a model with at least one trainable layer',
      received: 'a model whose layers are all frozen',
      advice: 'Call model.unfreeze() to unfreeze the layers that you want to train.',
    });
  }
  if (featureCache && !splitFrozen(network.lossGraph).frozenGraph) {
    throw createError({
      kind: 'argument',
      path: 'fit.featureCache',
      expected: 'a model whose first layers are frozen',
      received: 'a model whose first layers are trainable',
      advice: 'Call model.freeze() to freeze the first layers, or omit featureCache.',
    });
  }
  checkDataset('train', train, network.tasks, network.input.shape);
  if (validation) checkDataset('validation', validation, network.tasks, network.input.shape);
}
