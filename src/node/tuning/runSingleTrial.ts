import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { hasEnded, type TrialRecord } from '../../tuner/results/trialRecord.js';
import { proposeTrial } from '../../tuner/strategies/proposeTrial.js';
import type { Study } from '../../tuner/study.js';
import { openRecords } from './openStudy.js';
import type { RequiredSettings, SettingsOf, StudyModule, TrialOf } from './studyModule.js';
import { executeTrial } from './trial/executeTrial.js';
import { loadStudy, toModuleUrl } from './trial/loadStudy.js';
import { resolveTrialResources } from './trialResources.js';

/**
 * Options of {@link runSingleTrial}.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface RunSingleTrialOptions<M extends StudyModule = StudyModule<Study>> {
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
export function runSingleTrial<M extends StudyModule = StudyModule<Study>>(
  module: string | URL,
  options: RunSingleTrialOptions<M> & RequiredSettings<M>,
): Promise<TrialOf<M> | undefined>;
export async function runSingleTrial(
  module: string | URL,
  given: RunSingleTrialOptions,
): Promise<TrialRecord | undefined> {
  checks.optionNames('runSingleTrial', given, [
    'folder',
    'number',
    'settings',
    'threads',
    'trialTimeout',
    'signal',
  ]);
  const { number, settings = {} } = given;
  checks.integer('runSingleTrial.number', number, {
    min: 1,
    advice: 'Give a number that counts from 1: add 1 to an index that counts from 0.',
  });
  const { store, threads, trialTimeout, signal } = resolveTrialResources('runSingleTrial', given);
  const moduleUrl = toModuleUrl(module);
  const study = await loadStudy(moduleUrl, settings);
  const { space, strategy } = study;
  if (!strategy.independent) {
    throw createError({
      kind: 'argument',
      path: 'runSingleTrial',
      expected: 'a study with the strategy grid or random',
      received: `a study with the strategy ${strategy.name}`,
      advice: `Use runStudy() with a queue: ${strategy.name} needs the results of other trials to suggest the next one.`,
    });
  }
  // What the trials before it are, as every machine finds by itself.
  const before: TrialRecord[] = [];
  for (let i = 1; i <= number; i++) {
    const next = proposeTrial(space, study, i, before);
    if (next === undefined || next === 'wait') return undefined;
    before.push(next);
  }
  const records = await openRecords(store, study, settings);
  const known = await records.readTrial(number);
  if (known && hasEnded(known)) return known;
  const trial = known ?? before.at(-1)!;
  if (!known) await records.saveProgress(trial);
  const place = { study, records, store, moduleUrl, settings, threads, trialTimeout, signal };
  return executeTrial(place, trial);
}
