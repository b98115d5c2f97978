import { checkWhole } from '../../core/checkWhole.js';
import { checkNames, fault } from '../../core/errors.js';
import type { Store } from '../../core/outside.js';
import { propose } from '../../tuner/askAndTell.js';
import { isOver, type TrialRecord } from '../../tuner/records.js';
import type { Study } from '../../tuner/study.js';
import { carryOut } from './carryOut.js';
import { addressOf, loadStudy } from './loadStudy.js';
import { meansOf } from './means.js';
import { recordsOf } from './readStudy.js';
import type { NeedsSettings, SettingsOf, StudyModule, TrialOf } from './studyModule.js';

/**
 * Options of {@link studyTrial}.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface StudyTrialOptions<M extends StudyModule = StudyModule<Study>> {
  /** Where the study is kept: the folder that all machines share, or a store that leads to the same place. */
  readonly folder: string | Store;
  /** Which trial, counted from 1. */
  readonly number: number;
  /** What the module's function is given, if its default export is one. Default `{}`. */
  readonly settings?: SettingsOf<M>;
  /** Threads of the trial. Default: the machine's. */
  readonly threads?: number;
  /** Seconds after which the trial is taken to hang. Default: never. */
  readonly trialTimeout?: number;
  /** Stops the trial after its step; it goes on when it is run again. */
  readonly signal?: AbortSignal;
}

/**
 * Runs one trial of a search by grid or by chance, or by another strategy that is `alone`, which follows from its number and the seed alone: for machines that know nothing of
 * each other, such as the pods of an Indexed Job. Nobody leads the search, and nothing but the folder is shared.
 *
 * @typeParam M - Type of the module, as for `runStudy`.
 * @param module - The module whose default export is the study: its path, or its address.
 * @returns The trial at its end; undefined where the space has no such trial, or the signal stopped it.
 * @throws `argument` fault for a number that is none, and for a strategy that must know what others came to; otherwise as `runStudy`.
 * @example
 * ```typescript
 * import { studyTrial } from 'tfjs-multitask/node';
 *
 * const number = Number(process.env.JOB_COMPLETION_INDEX) + 1;
 * const trial = await studyTrial('my-study.js', { folder: '/mnt/study', number });
 * console.log(trial?.state); // complete
 * ```
 * @category Tuner
 */
export function studyTrial<M extends StudyModule = StudyModule<Study>>(
  module: string | URL,
  options: StudyTrialOptions<M> & NeedsSettings<M>,
): Promise<TrialOf<M> | undefined>;
export async function studyTrial(
  module: string | URL,
  given: StudyTrialOptions,
): Promise<TrialRecord | undefined> {
  checkNames('studyTrial', given, ['folder', 'number', 'settings', 'threads', 'trialTimeout', 'signal']);
  const { number, settings = {} } = given;
  checkWhole('studyTrial.number', number, 1, 'Trials count from 1: add 1 to an index that counts from 0.');
  const { store, threads, trialTimeout, signal } = meansOf('studyTrial', given);
  const address = addressOf(module);
  const study = await loadStudy(address, settings);
  const { space, strategy } = study;
  if (!strategy.alone) {
    throw fault({
      kind: 'argument',
      path: 'studyTrial',
      expected: 'a study by grid or random',
      received: `one by ${strategy.name}`,
      advice: 'What it proposes depends on what other trials came to: search with runStudy() and a queue.',
    });
  }
  // What the trials before it are, as every machine finds by itself.
  const before: TrialRecord[] = [];
  for (let i = 1; i <= number; i++) {
    const next = propose(space, study, i, before);
    if (next === undefined || next === 'wait') return undefined;
    before.push(next);
  }
  const records = await recordsOf(store, study, settings);
  const known = await records.trial(number);
  if (known && isOver(known)) return known;
  const trial = known ?? before.at(-1)!;
  if (!known) await records.stands(trial);
  const place = { study, records, store, address, settings, threads, trialTimeout, signal };
  return carryOut(place, trial);
}
