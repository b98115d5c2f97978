import type { Json } from '../../core/json.js';
import type { Objectives } from '../results/objectives.js';
import type { TrialRecord } from '../results/trialRecord.js';

/**
 * A rule that stops unpromising trials early. `prune` is a pure function of the trial records and is called after each epoch of a
 * trial.
 *
 * @category Tuner
 */
export interface Pruner {
  /** Name of the pruner, for example `median` or `halving`. */
  readonly name: string;
  /** Options of the pruner, including default values. */
  readonly options: Json;
  /**
   * Compares a trial with the other trials according to the first objective. Returns the reason to stop the trial, as text for the
   * user, or undefined to continue.
   */
  prune(trial: TrialRecord, trials: readonly TrialRecord[], objectives: Objectives): string | undefined;
}

/**
 * Creates a function that formats a cost as the value of its objective, with four significant digits. The cost of a maximized
 * objective is its negated value.
 */
export const createValueFormatter = (direction: 'minimize' | 'maximize') => (cost: number) =>
  Number.isFinite(cost) ? String(Number((direction === 'minimize' ? cost : -cost).toPrecision(4))) : 'NaN';
