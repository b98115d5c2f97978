import * as checks from '../core/errors/checks.js';
import type { Callback } from '../training/callback.js';
import { isImprovement } from '../training/monitor.js';
import { getMonitorValue, type MonitorOptions, resolveMode } from './monitorOptions.js';

/**
 * Options of {@link reduceLROnPlateau}.
 *
 * @category Callbacks
 */
export interface ReduceLROnPlateauOptions<Monitor extends string> extends MonitorOptions<Monitor> {
  /** The rate is multiplied by it, over 0 and under 1. Default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement before the rate falls. Default 10. */
  readonly patience?: number;
  /** What counts as improvement, in the unit of the column. Default 1e-4. */
  readonly minDelta?: number;
  /** Epochs after a fall in which none is counted. Default 0. */
  readonly cooldown?: number;
  /** The rate falls no lower. Default 0. */
  readonly minLearningRate?: number;
}

interface ReduceLROnPlateauState {
  readonly best: number | null;
  readonly wait: number;
  readonly rest: number;
}

/**
 * Lowers the learning rate when a column has stopped getting better. Same rules as Keras 3 `ReduceLROnPlateau`
 * (callbacks/reduce_lr_on_plateau.py): a NaN in the first epoch is never beaten. For an optimiser with a constant rate.
 *
 * @throws `argument` fault for a factor that is not between 0 and 1, and, at the first fall, for an optimiser with a schedule.
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
): Callback<Monitor> {
  const { monitor = 'val_loss' as Monitor, factor = 0.1, patience = 10, minDelta = 1e-4 } = options;
  const { cooldown = 0, minLearningRate = 0 } = options;
  checks.integer('reduceLROnPlateau.patience', patience, { min: 0, defaultValue: 10 });
  checks.integer('reduceLROnPlateau.cooldown', cooldown, { min: 0, defaultValue: 0 });
  checks.number('reduceLROnPlateau.factor', factor, {
    above: 0,
    below: 1,
    advice: 'Give 0.5 to halve the learning rate.',
  });
  return {
    name: 'reduceLROnPlateau',
    monitor,
    create: (run, saved) => {
      const mode = resolveMode(run, monitor, options.mode);
      let { best, wait, rest } = (saved?.values as unknown as ReduceLROnPlateauState | undefined) ?? {
        best: null,
        wait: 0,
        rest: 0,
      };
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
