import type { Json } from '../../core/json.js';
import type { Objectives } from '../results/objectives.js';
import type { TrialRecord } from '../results/trialRecord.js';

/**
 * A rule that stops unpromising trials early: a pure function of the records, called after each epoch of a trial.
 *
 * @category Tuner
 */
export interface Pruner {
  /** Name of the pruner, for example `median` or `halving`. */
  readonly name: string;
  /** Options of the pruner, including default values. */
  readonly options: Json;
  /** Compares the trial with others by the first objective. Returns a readable reason to stop it, or undefined to continue. */
  prune(trial: TrialRecord, trials: readonly TrialRecord[], objectives: Objectives): string | undefined;
}

/** Creates a function that converts a cost back to the value of its objective, and formats it with four significant digits. */
export const createValueFormatter = (direction: 'minimize' | 'maximize') => (cost: number) =>
  Number.isFinite(cost) ? String(Number((direction === 'minimize' ? cost : -cost).toPrecision(4))) : 'NaN';
