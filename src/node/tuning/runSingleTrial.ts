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
import { resolveTrialResources } from './trial/trialResources.js';

/**
 * Options for {@link runSingleTrial}.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface RunSingleTrialOptions<M extends StudyModule = StudyModule<Study>> {
  /** Folder of the study that all machines share, or a store with the same contents. */
  readonly folder: string | Store;
  /** Number of the trial, counted from 1. */
  readonly number: number;
  /** Settings that are passed to the module's default export, if that export is a function. Default: `{}`. */
  readonly settings?: SettingsOf<M>;
  /** Number of threads that the trial may use. Default: the number of threads of the machine. */
  readonly threads?: number;
  /** Time limit of the trial in seconds. If the trial exceeds this limit, it fails. Default: no limit. */
  readonly trialTimeout?: number;
  /** Signal that stops the trial after the current training step. The trial resumes when `runSingleTrial` is called again. */
  readonly signal?: AbortSignal;
}

/**
 * Runs one trial of a study with an independent strategy, such as `grid` or `random`, whose params depend only on the trial number
 * and the seed. Use this function for machines that work independently and share only the folder, such as the pods of an Indexed
 * Job in Kubernetes.
 *
 * @typeParam M - Type of the study's module, `typeof import('./my-study.js')`.
 * @param module - Path or URL of the module whose default export is the study.
 * @returns The trial after it has ended, or undefined if the search has no trial with this number or the signal stopped the trial.
 * @throws An `argument` error if `number` is invalid, or the strategy needs the results of other trials. The other errors of
 *   `runStudy`.
 * @example
 * ```typescript
 * import { runSingleTrial } from 'tfjs-multitask/node';
 *
 * const number = Number(process.env.JOB_COMPLETION_INDEX) + 1;
 * const trial = await runSingleTrial('my-study.js', { folder: '/mnt/study', number });
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
  options: RunSingleTrialOptions,
): Promise<TrialRecord | undefined> {
  checks.options<RunSingleTrialOptions>('runSingleTrial', options, {
    folder: true,
    number: true,
    settings: true,
    threads: true,
    trialTimeout: true,
    signal: true,
  });
  const { number, settings = {} } = options;
  checks.integer('runSingleTrial.number', number, {
    min: 1,
    advice: 'Pass a number that is counted from 1: add 1 to an index that is counted from 0.',
  });
  const resources = resolveTrialResources('runSingleTrial', options);
  const moduleUrl = toModuleUrl(module);
  const study = await loadStudy(moduleUrl, settings);
  const { space, strategy } = study;
  if (!strategy.independent) {
    throw createError({
      kind: 'argument',
      path: 'runSingleTrial',
      expected: 'a study with the grid or random strategy',
      received: `a study with the ${strategy.name} strategy`,
      advice: `Use runStudy() with a queue: ${strategy.name} needs the results of other trials to suggest the next one.`,
    });
  }
  // Each machine computes the params of the earlier trials itself, because the strategy must not repeat them.
  const proposals: TrialRecord[] = [];
  for (let i = 1; i <= number; i++) {
    const next = proposeTrial(space, study, i, proposals);
    if (next === undefined || next === 'wait') return undefined;
    proposals.push(next);
  }
  const records = await openRecords(resources.store, study, settings);
  const savedTrial = await records.readTrial(number);
  if (savedTrial && hasEnded(savedTrial)) return savedTrial;
  const trial = savedTrial ?? proposals.at(-1)!;
  if (!savedTrial) await records.saveProgress(trial);
  return executeTrial({ ...resources, study, records, moduleUrl, settings }, trial);
}
