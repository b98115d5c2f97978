import * as checks from '../core/errors/checks.js';
import type { Weights } from '../network/weights.js';
import type { StatefulCallback } from '../training/callback.js';
import { isImprovement } from '../training/monitor.js';
import { isNumberOrNull } from '../training/runState.js';
import { checkMonitorOptions, getMonitorValue, type MonitorOptions, resolveMode } from './monitorOptions.js';
import { readCallbackState } from './readCallbackState.js';

/**
 * Options for {@link earlyStopping}.
 *
 * @category Callbacks
 */
export interface EarlyStoppingOptions<Monitor extends string> extends MonitorOptions<Monitor> {
  /** Number of epochs without improvement after which training stops. Default 0, which has the same effect as 1. */
  readonly patience?: number;
  /**
   * Smallest change in the monitored column that counts as an improvement, in the units of that column. The sign is ignored.
   * Default 0.
   */
  readonly minDelta?: number;
  /**
   * Baseline for the monitored column: an improvement resets the count of `patience` only if it is also better than
   * this value. Default: no baseline.
   */
  readonly baseline?: number;
  /** Number of epochs at the start of training in which the callback does nothing. Default 0. */
  readonly startFromEpoch?: number;
  /** If true, the weights of the best epoch are restored at the end of the run, even if the run was not stopped early. Default false. */
  readonly restoreBestWeights?: boolean;
}

interface EarlyStoppingState {
  readonly wait: number;
  readonly best: number | null;
}

/**
 * Creates a callback that stops training when the monitored column no longer improves. The rules match Keras 3 `EarlyStopping`
 * (callbacks/early_stopping.py): an equal value is not an improvement. The value of the first epoch always counts as an improvement. If
 * that value is NaN, no later value counts as an improvement.
 *
 * @typeParam Monitor - Name of the history column that the callback monitors.
 * @returns A callback for the `callbacks` option of `fit`.
 * @throws `argument` error for a `patience` or `startFromEpoch` that is not an integer of at least 0.
 * @example
 * ```ts
 * import { earlyStopping } from 'tfjs-multitask';
 *
 * const stop = earlyStopping({ monitor: 'val_loss', patience: 3, restoreBestWeights: true });
 * console.log(stop.monitor); // val_loss
 * ```
 * @category Callbacks
 */
export function earlyStopping<const Monitor extends string = 'val_loss'>(
  options: EarlyStoppingOptions<Monitor> = {},
): StatefulCallback<Monitor> {
  checks.options('earlyStopping', options, {
    monitor: true,
    mode: true,
    patience: true,
    minDelta: true,
    baseline: true,
    startFromEpoch: true,
    restoreBestWeights: true,
  });
  checkMonitorOptions('earlyStopping', options);
  const { monitor = 'val_loss' as Monitor, patience = 0, baseline, startFromEpoch = 0 } = options;
  const { restoreBestWeights = false } = options;
  checks.number('earlyStopping.minDelta', options.minDelta ?? 0, { defaultValue: 0 });
  const minDelta = Math.abs(options.minDelta ?? 0);
  if (baseline !== undefined)
    checks.number('earlyStopping.baseline', baseline, { advice: 'Omit it for no baseline.' });
  checks.boolean('earlyStopping.restoreBestWeights', restoreBestWeights, {
    advice: 'Omit it to use the default, false.',
  });
  checks.integer('earlyStopping.patience', patience, { min: 0, defaultValue: 0 });
  checks.integer('earlyStopping.startFromEpoch', startFromEpoch, { min: 0, defaultValue: 0 });
  return {
    name: 'earlyStopping',
    monitor,
    ...(options.mode && { mode: options.mode }),
    create: (run, saved) => {
      const mode = resolveMode(run, monitor, options.mode);
      let { wait, best } = readCallbackState<EarlyStoppingState>(
        'earlyStopping',
        saved,
        { wait: 0, best: null },
        (values) => typeof values.wait === 'number' && isNumberOrNull(values.best),
      );
      let weights: Weights | undefined = saved?.arrays;
      return {
        onEpochEnd: async ({ epoch, row }) => {
          if (epoch <= startFromEpoch) return;
          const value = getMonitorValue(row, monitor);
          wait++;
          if (best === null || isImprovement(mode, value, best, minDelta)) {
            best = value;
            if (restoreBestWeights) weights = await run.getWeights();
            if (baseline === undefined || isImprovement(mode, value, baseline, minDelta)) wait = 0;
            return; // An improvement never stops the run, even if it is not better than the baseline.
          }
          if (wait >= patience && epoch > 1) run.stop(`${monitor} has not improved for ${wait} epochs`);
        },
        onTrainEnd: () => {
          if (restoreBestWeights && weights) run.setWeights(weights);
        },
        getState: () => ({ values: { wait, best }, ...(weights ? { arrays: weights } : {}) }),
      };
    },
  };
}
