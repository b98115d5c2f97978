import * as checks from '../core/errors/checks.js';
import type { EngineName } from '../engines/engineChoice.js';
import { ENGINE_OPTION_NAMES, type EngineOptions } from '../engines/select.js';
import type { LossAverage } from '../steps/metricAccumulator.js';
import {
  type ClassWeights,
  checkWeightedLoss,
  type ValidClassWeights,
  type ValidLossWeights,
  type WeightedLoss,
} from '../steps/weightedLoss.js';
import type { Tasks } from '../tasks/task.js';

/**
 * Options that `MultiTaskModel.fit` and `MultiTaskModel.evaluate` share: batches, losses and the engine.
 *
 * @category Train
 */
export interface LossOptions<
  T extends Tasks,
  W extends { readonly [task: string]: number },
  C extends ClassWeights = ClassWeights,
> extends EngineOptions {
  /** Number of images in a batch. The last batch can be smaller. Default 32. */
  readonly batchSize?: number;
  /**
   * Weights of the task losses in the total loss. Default of `fit`: 1 for each task. Default of `evaluate`: the weights of the last `fit` of
   * the model, else 1 for each task.
   */
  readonly loss?: WeightedLoss<W, C> & ValidLossWeights<T, W> & ValidClassWeights<T, C>;
  /**
   * Method of averaging the task losses of all batches: over `examples` (default), or over `batches`, as in the logs of Keras's graph mode.
   * The averages differ if the last batch is smaller. The default of `evaluate` is that of the last
   * `fit` of the model.
   */
  readonly lossAverage?: LossAverage;
  /**
   * Engine that executes the call. If you name an engine, no other engine is used instead. Default: the engine that was set with
   * `useEngine`, otherwise `auto`.
   */
  readonly engine?: EngineName | 'auto';
}

/** Names of the options in {@link LossOptions}, used to reject unknown options. */
export const LOSS_OPTION_NAMES: checks.OptionNames<LossOptions<Tasks, { readonly [task: string]: number }>> =
  {
    ...ENGINE_OPTION_NAMES,
    batchSize: true,
    loss: true,
    lossAverage: true,
    engine: true,
  };

/** Advice for Keras options that `fit` and `evaluate` do not have. */
export const LOSS_OPTION_REPLACEMENTS = {
  classWeights: 'Write loss: weightedLoss({ ... }, { classWeights: { gender: { male: 2 } } }).',
  classWeight: 'Write loss: weightedLoss({ ... }, { classWeights: { gender: { male: 2 } } }).',
  lossWeights: 'Write loss: weightedLoss({ age: 1, gender: 50 }).',
  sampleWeight: 'Write dataset.withSampleWeights(({ age }) => ...).',
  metrics: "Pass metrics to the task: regression({ unit: 'years', metrics: ['mae'] }).",
  verbose: 'To see the progress, pass callbacks: [progressBar()] to fit().',
} as const;

/** Throws an `argument` error for values of the wrong type in {@link LossOptions}. The engine checks its own options. */
export function checkLossOptions(
  caller: string,
  options: { readonly [name in keyof LossOptions<Tasks, never>]?: unknown },
): void {
  const { batchSize = 32, loss, lossAverage = 'examples' } = options;
  checks.integer(`${caller}.batchSize`, batchSize, { min: 1, defaultValue: 32 });
  checks.oneOf(`${caller}.lossAverage`, lossAverage, ['examples', 'batches'], {
    advice: "Omit it to use the default, 'examples'.",
  });
  if (loss !== undefined) checkWeightedLoss(`${caller}.loss`, loss);
}
