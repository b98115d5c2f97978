import * as checks from '../core/errors/checks.js';
import type { Weights } from '../network/weights.js';
import type { Callback } from '../training/callback.js';
import { isImprovement } from '../training/monitor.js';
import { getMonitorValue, type MonitorOptions, resolveMode } from './monitorOptions.js';

/**
 * Options of {@link earlyStopping}.
 *
 * @category Callbacks
 */
export interface EarlyStoppingOptions<Monitor extends string> extends MonitorOptions<Monitor> {
  /** Epochs without improvement after which training stops. Default 0, which acts like 1. */
  readonly patience?: number;
  /** What counts as improvement, in the unit of the column; its sign is ignored. Default 0. */
  readonly minDelta?: number;
  /** Improvement only resets the patience when the value is also better than this. */
  readonly baseline?: number;
  /** Epochs from the beginning that are not looked at. Default 0. */
  readonly startFromEpoch?: number;
  /** Put the weights of the best epoch back at the end, also when training was not stopped early. Default false. */
  readonly restoreBestWeights?: boolean;
}

interface EarlyStoppingState {
  readonly wait: number;
  readonly best: number | null;
}

/**
 * Stops training when a column has stopped getting better. Same rules as Keras 3 `EarlyStopping`
 * (callbacks/early_stopping.py): improvement is strict; the first value always counts as one, even NaN, after which
 * nothing does; ties keep the earlier epoch.
 *
 * @throws `argument` fault for a patience that is not a whole number of at least 0.
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
): Callback<Monitor> {
  const { monitor = 'val_loss' as Monitor, patience = 0, baseline, startFromEpoch = 0 } = options;
  const { restoreBestWeights = false } = options;
  const minDelta = Math.abs(options.minDelta ?? 0);
  checks.integer('earlyStopping.patience', patience, { min: 0, defaultValue: 0 });
  checks.integer('earlyStopping.startFromEpoch', startFromEpoch, { min: 0, defaultValue: 0 });
  return {
    name: 'earlyStopping',
    monitor,
    create: (run, saved) => {
      const mode = resolveMode(run, monitor, options.mode);
      let { wait, best } = (saved?.values as EarlyStoppingState | undefined) ?? { wait: 0, best: null };
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
            return; // an improvement never stops, even one that leaves the patience running
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
