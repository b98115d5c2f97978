import * as checks from '../../core/errors/checks.js';
import type { Space } from '../space/space.js';
import { type Objective, toObjectiveList } from './objectives.js';
import type { SearchTarget } from './searchTarget.js';
import { isTrialRecord } from './trialRecord.js';

/** Throws an `argument` error unless `value` is a search space. */
export function checkSpace(path: string, value: unknown): void {
  checks.valid(path, value, Array.isArray((value as Partial<Space<any>> | null | undefined)?.dimensions), {
    noun: 'a search space',
    advice: 'Write space({ dropout: float({ min: 0, max: 0.5 }) }).',
  });
}

/** Throws an `argument` error unless `value` is an objective or an array of objectives. */
export function checkObjectives(path: string, value: unknown): void {
  const list: readonly unknown[] = value ? toObjectiveList(value as Objective) : [];
  const isObjective = (item: unknown) => {
    const { metric, direction } = (item ?? {}) as Partial<Objective>;
    return typeof metric === 'string' && (direction === 'minimize' || direction === 'maximize');
  };
  checks.valid(path, value, list.length > 0 && list.every(isObjective), {
    noun: 'an objective or an array of objectives',
    advice: "Write objectives: minimize('val_loss').",
  });
}

/** Throws an `argument` error unless `value` is an array of trials. */
export function checkTrials(path: string, value: unknown): void {
  const advice = 'Pass the trials that runStudy(), readStudy() or askAndTell() returned.';
  checks.list(path, value, { noun: 'an array of trials', advice });
  value.forEach((trial, i) => {
    checks.valid(`${path}[${i}]`, trial, isTrialRecord(trial), { noun: 'the record of a trial', advice });
  });
}

/** Throws an `argument` error unless `study` has a space and objectives, and `trials` are trials. */
export function checkResultsArguments(caller: string, study: SearchTarget, trials: unknown): void {
  checks.record(`${caller}.study`, study, {
    noun: 'a study',
    advice: 'Pass a study, or { space, objectives }.',
  });
  checkSpace(`${caller}.study.space`, study.space);
  checkObjectives(`${caller}.study.objectives`, study.objectives);
  checkTrials(`${caller}.trials`, trials);
}
