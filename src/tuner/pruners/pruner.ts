import type { Json } from '../../core/json.js';
import type { Objectives } from '../results/objectives.js';
import type { TrialRecord } from '../results/trialRecord.js';

/**
 * Whether a trial is to be ended for lack of promise: a pure function of the records, asked after each of its epochs.
 *
 * @category Tuner
 */
export interface Pruner {
  /** `median`, `halving`. */
  readonly name: string;
  /** Its options, defaults filled in. */
  readonly options: Json;
  /** Why the trial should end, for people, or undefined where it may go on. Judged by the first objective. */
  prune(trial: TrialRecord, trials: readonly TrialRecord[], objectives: Objectives): string | undefined;
}

export const createValueFormatter = (direction: 'minimize' | 'maximize') => (cost: number) =>
  Number.isFinite(cost) ? String(Number((direction === 'minimize' ? cost : -cost).toPrecision(4))) : 'NaN';
