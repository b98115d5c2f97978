import * as checks from '../core/errors/checks.js';
import type { StatefulCallback } from '../training/callback.js';
import { isImprovement } from '../training/monitor.js';
import { isNumberOrNull } from '../training/runState.js';
import { checkMonitorOptions, getMonitorValue, type MonitorOptions, resolveMode } from './monitorOptions.js';
import { readCallbackState } from './readCallbackState.js';

/**
 * Options for {@link reduceLROnPlateau}.
 *
 * @category Callbacks
 */
export interface ReduceLROnPlateauOptions<Monitor extends string> extends MonitorOptions<Monitor> {
  /** Factor by which the learning rate is multiplied, greater than 0 and less than 1. Default 0.1. */
  readonly factor?: number;
  /** Number of epochs without improvement after which the learning rate is reduced. Default 10. */
  readonly patience?: number;
  /** Smallest change in the monitored column that counts as an improvement, in the units of that column. Default 1e-4. */
  readonly minDelta?: number;
  /** Number of epochs to wait after a reduction before epochs without improvement are counted again. Default 0. */
  readonly cooldown?: number;
  /** Lower bound for the reduced learning rate. Default 0. */
  readonly minLearningRate?: number;
}

interface ReduceLROnPlateauState {
  readonly best: number | null;
  readonly wait: number;
  readonly rest: number;
}

/**
 * Creates a callback that reduces the learning rate when the monitored column no longer improves. The rules match Keras 3
 * `ReduceLROnPlateau` (callbacks/reduce_lr_on_plateau.py). If the value of the first epoch is NaN, no later value counts as an improvement.
 * The learning rate of the optimizer must be a number, not a schedule.
 *
 * @typeParam Monitor - Name of the history column that the callback monitors.
 * @returns A callback for the `callbacks` option of `fit`. `fit` rejects with an `argument` error at the first reduction if
 *   the optimizer has a schedule.
 * @throws `argument` error for a `factor` that is not between 0 and 1, and for a `patience` or `cooldown` that is not an
 *   integer of at least 0.
 * @example
 * ```ts
 * import { reduceLROnPlateau } from 'tfjs-multitask';
 *
 * console.log(reduceLROnPlateau({ monitor: 'val_loss', factor: 0.5, patience: 2 }).monitor); // val_loss
 * ```
 * @category Callbacks
 */
export function reduceLROnPlateau<const Monitor extends string = 'val_loss'>(
  options: ReduceLROnPlateauOptions<Monitor> = {},
): StatefulCallback<Monitor> {
  checks.options('reduceLROnPlateau', options, {
    monitor: true,
    mode: true,
    factor: true,
    patience: true,
    minDelta: true,
    cooldown: true,
    minLearningRate: true,
  });
  checkMonitorOptions('reduceLROnPlateau', options);
  const { monitor = 'val_loss' as Monitor, factor = 0.1, patience = 10, minDelta = 1e-4 } = options;
  const { cooldown = 0, minLearningRate = 0 } = options;
  checks.integer('reduceLROnPlateau.patience', patience, { min: 0, defaultValue: 10 });
  checks.integer('reduceLROnPlateau.cooldown', cooldown, { min: 0, defaultValue: 0 });
  checks.number('reduceLROnPlateau.minDelta', minDelta, { defaultValue: 1e-4 });
  checks.number('reduceLROnPlateau.minLearningRate', minLearningRate, { min: 0, defaultValue: 0 });
  checks.number('reduceLROnPlateau.factor', factor, {
    above: 0,
    below: 1,
    advice: 'Set it to 0.5, for example, to halve the learning rate.',
  });
  return {
    name: 'reduceLROnPlateau',
    monitor,
    create: (run, saved) => {
      const mode = resolveMode(run, monitor, options.mode);
      let { best, wait, rest } = readCallbackState<ReduceLROnPlateauState>(
        'reduceLROnPlateau',
        saved,
        { best: null, wait: 0, rest: 0 },
        (values) =>
          isNumberOrNull(values.best) && typeof values.wait === 'number' && typeof values.rest === 'number',
      );
      return {
        onEpochEnd: ({ row }) => {
          const value = getMonitorValue(row, monitor);
          if (rest > 0) {
            rest--;
            wait = 0;
          }
          if (best === null || isImprovement(mode, value, best, minDelta)) {
            best = value;
            wait = 0;
            return;
          }
          if (rest > 0) return;
          wait++;
          if (wait < patience || run.learningRate <= minLearningRate) return;
          run.setLearningRate(Math.max(run.learningRate * factor, minLearningRate));
          rest = cooldown;
          wait = 0;
        },
        getState: () => ({ values: { best, wait, rest } }),
      };
    },
  };
}
