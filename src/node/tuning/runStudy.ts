import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { hasEnded, type TrialRecord } from '../../tuner/results/trialRecord.js';
import { proposeTrial } from '../../tuner/strategies/proposeTrial.js';
import type { Study } from '../../tuner/study.js';
import { getNextTrialNumber, getUnfinishedTrials } from '../../tuner/studyRecords.js';
import { computeCodeHash } from './codeHash.js';
import { lockStudy } from './lockStudy.js';
import { openRecords } from './openStudy.js';
import type { RequiredSettings, SettingsOf, StudyModule, StudyOf, TrialOf } from './studyModule.js';
import { executeTrial } from './trial/executeTrial.js';
import { loadStudy, type StudySettings, toModuleUrl } from './trial/loadStudy.js';
import { resolveTrialResources, TIMEOUT_CHECK, type TrialResources } from './trial/trialResources.js';
import { createTrialDispatcher } from './trialDispatcher.js';
import type { QueueOptions } from './trialQueue.js';

/**
 * Options for {@link runStudy}.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface RunStudyOptions<M extends StudyModule = StudyModule<Study>> {
  /** Folder or store of the study. If the folder contains an earlier search, the search is resumed. */
  readonly folder: string | Store;
  /**
   * Total number of trials, including those of earlier runs. Default: no limit; the search ends when the strategy has no more
   * params.
   */
  readonly trials?: number;
  /** Number of trials that run at a time, each in its own process. With a queue: number of trials in the queue at a time. Default: 1. */
  readonly parallel?: number;
  /** Queue through which workers on other machines run the trials. Default: the trials run on this machine. */
  readonly queue?: QueueOptions;
  /** Settings that are passed to the module's default export, if that export is a function. Default: `{}`. */
  readonly settings?: SettingsOf<M>;
  /** Number of threads that one trial may use. Default: the number of threads of the machine, divided by `parallel`. */
  readonly threads?: number;
  /** Time in seconds after which no more trials are started. Running trials continue until they end. Default: no limit. */
  readonly timeout?: number;
  /** Time limit of each trial in seconds. A trial that exceeds this limit fails. Default: no limit. */
  readonly trialTimeout?: number;
  /**
   * Number of consecutive failures after which the search ends with an error. Only trials that fail before the end of their first epoch are
   * counted, because their params are probably not the cause. The next search repeats these trials. Default: 3.
   */
  readonly maxConsecutiveFailures?: number;
  /** Signal that stops the search after the current training steps. The trials are resumed when the search is run again. */
  readonly signal?: AbortSignal;
  /** Callback that receives all trials and the study after every change. */
  readonly onChange?: (trials: readonly TrialOf<M>[], study: StudyOf<M>) => void;
}

/**
 * Result of {@link runStudy}.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface StudyResult<M extends StudyModule = StudyModule<Study>> {
  /** Study that the module exports or returns. */
  readonly study: StudyOf<M>;
  /** All trials, sorted by number. */
  readonly trials: readonly TrialOf<M>[];
  /**
   * Reason why the search ended:
   *
   * - `finished`: the requested number of trials has been reached, and all of them have ended.
   * - `exhausted`: the strategy has no more params.
   * - `timeout`: the timeout expired.
   * - `aborted`: the signal stopped the search.
   */
  readonly stopped: 'finished' | 'exhausted' | 'timeout' | 'aborted';
}

const OPTION_NAMES: checks.OptionNames<RunStudyOptions> = {
  folder: true,
  trials: true,
  parallel: true,
  queue: true,
  settings: true,
  threads: true,
  timeout: true,
  trialTimeout: true,
  maxConsecutiveFailures: true,
  signal: true,
  onChange: true,
};

/**
 * Runs a search. Each trial runs in its own process, and all progress is saved. If a search was killed and is run again, it
 * resumes with the same params, and loses at most the epochs that were in progress. A trial that throws, crashes, hangs, runs out
 * of memory or never reports a number fails with a reason, and the search continues.
 *
 * @typeParam M - Type of the study's module, `typeof import('./my-study.js')`. It determines the types of settings and params.
 * @param module - Path or URL of the module whose default export is the study. Each trial imports the module in a new process.
 * @throws A `checkpoint` error if the folder contains a different study. A `file` error if another process is running the study,
 *   or the module exports no study. An `argument` error if an option is invalid or unknown. A `data` error after too many
 *   consecutive failures.
 * @example
 * ```typescript
 * import { runStudy } from 'tfjs-multitask/node';
 *
 * const module = new URL('./my-study.js', import.meta.url);
 * const { trials } = await runStudy<typeof import('./my-study.js')>(module, { folder: 'out/study', trials: 20, parallel: 2 });
 * console.log(trials.length); // 20
 * ```
 * @category Tuner
 */
export function runStudy<M extends StudyModule = StudyModule<Study>>(
  module: string | URL,
  options: RunStudyOptions<M> & RequiredSettings<M>,
): Promise<StudyResult<M>>;
export async function runStudy(module: string | URL, options: RunStudyOptions): Promise<StudyResult> {
  checks.options('runStudy', options, OPTION_NAMES, {
    advice: "Write runStudy('search.ts', { folder: 'out/study', trials: 20 }).",
  });
  const {
    settings = {},
    maxConsecutiveFailures = 3,
    trials: maxTrials = Number.POSITIVE_INFINITY,
    timeout,
  } = options;
  if (options.onChange !== undefined)
    checks.callable('runStudy.onChange', options.onChange, { advice: 'Write onChange: (trials) => ...' });
  const resources = resolveTrialResources('runStudy', options);
  if (timeout !== undefined) checks.number('runStudy.timeout', timeout, TIMEOUT_CHECK);
  checks.integer('runStudy.maxConsecutiveFailures', maxConsecutiveFailures, { min: 1, defaultValue: 3 });
  if (maxTrials !== Number.POSITIVE_INFINITY)
    checks.integer('runStudy.trials', maxTrials, {
      min: 1,
      advice: 'Omit it to run all trials of the strategy.',
    });
  const moduleUrl = toModuleUrl(module);
  const study = await loadStudy(moduleUrl, settings);
  if (
    Math.min(maxTrials, study.space.count, timeout ?? maxTrials) === Number.POSITIVE_INFINITY &&
    !study.strategy.finite
  ) {
    throw createError({
      kind: 'argument',
      path: 'runStudy.trials',
      expected: 'a number of trials, or a timeout',
      received: 'neither of these options',
      advice: `Pass trials or timeout, because the ${study.strategy.name} strategy never exhausts a space with a continuous parameter.`,
    });
  }
  const unlock = await lockStudy(resources.store);
  try {
    return await runSearch(study, {
      ...options,
      resources,
      moduleUrl,
      settings,
      maxConsecutiveFailures,
      maxTrials,
      timeout,
    });
  } finally {
    await unlock();
  }
}

/** Options for a search, in which missing values are replaced with defaults. */
interface ResolvedRunOptions extends Pick<RunStudyOptions, 'onChange' | 'queue'> {
  readonly resources: TrialResources;
  readonly moduleUrl: string;
  readonly settings: StudySettings;
  readonly maxConsecutiveFailures: number;
  readonly maxTrials: number;
  readonly timeout: number | undefined;
}

async function runSearch(study: Study, options: ResolvedRunOptions): Promise<StudyResult> {
  const { moduleUrl, settings, resources, maxConsecutiveFailures, maxTrials, timeout, queue } = options;
  const { onChange = () => {} } = options;
  const { store, parallel } = resources;
  const deadline = Date.now() + 1000 * (timeout ?? Number.POSITIVE_INFINITY);
  // If the search fails, its trials are stopped too, because they must not write after the lock is released.
  const failureController = new AbortController();
  const signal = AbortSignal.any([resources.signal, failureController.signal]);
  const records = await openRecords(store, study, settings);
  const trials = new Map((await records.readTrials()).map((trial) => [trial.number, trial]));
  const all = () => [...trials.values()];
  const unfinished = getUnfinishedTrials(all());
  const active = new Map<number, Promise<void>>();
  let exhausted = false;
  let searchError: unknown;
  const endedTrials: TrialRecord[] = [];
  const fail = (error: unknown) => {
    searchError ??= error;
    failureController.abort();
  };
  onChange(all(), study);

  const updateTrial = (trial: TrialRecord) => {
    trials.set(trial.number, trial);
    onChange(all(), study);
  };

  /** Returns the next trial: an unfinished trial of an earlier search, or a new proposal of the strategy. */
  const next = async (): Promise<TrialRecord | undefined> => {
    const unfinishedTrial = unfinished.shift();
    if (unfinishedTrial) return unfinishedTrial;
    if (exhausted || trials.size >= maxTrials) return undefined;
    const proposal = proposeTrial(study.space, study, getNextTrialNumber(all(), study.strategy), all());
    if (proposal === undefined) exhausted = true;
    if (proposal === undefined || proposal === 'wait') return undefined;
    await records.clearTrial(proposal.number); // An earlier process may have been killed during copyTrial() and have left files.
    if (proposal.rung?.parent !== undefined) await records.copyTrial(proposal.rung.parent, proposal.number);
    await records.saveProgress(proposal);
    updateTrial(proposal);
    return proposal;
  };

  const environment = {
    ...resources,
    study,
    records,
    moduleUrl,
    settings,
    signal,
    listTrials: all,
    onEpoch: updateTrial,
  };
  const dispatcher =
    queue &&
    (await createTrialDispatcher(
      store,
      records,
      { ...queue, code: await computeCodeHash(moduleUrl), settings, deadline },
      signal,
    ));
  const run = async (trial: TrialRecord) => {
    const ended = await (dispatcher
      ? dispatcher.dispatch(trial, updateTrial)
      : executeTrial(environment, trial));
    if (!ended) return;
    updateTrial(ended);
    endedTrials.push(ended);
  };

  const canRun = !queue || dispatcher !== undefined;
  for (;;) {
    while (
      canRun &&
      active.size < parallel &&
      !signal.aborted &&
      searchError === undefined &&
      Date.now() < deadline
    ) {
      const trial = await next().catch(fail);
      if (!trial) break;
      const { number } = trial;
      active.set(
        number,
        run(trial)
          .catch(fail)
          .finally(() => active.delete(number)),
      );
    }
    if (active.size === 0) break;
    await Promise.race(active.values());
    const failureError =
      searchError === undefined && createTooManyFailuresError(endedTrials, maxConsecutiveFailures);
    if (!failureError) continue;
    fail(failureError);
    // The params did not cause these failures, so the trials are repeated when the search is run again.
    await Promise.all(endedTrials.slice(-maxConsecutiveFailures).map(records.reopenTrial)).catch(fail);
  }
  await dispatcher?.close();
  if (searchError !== undefined) throw searchError;
  const allEnded = all().every(hasEnded);
  const stopped = resources.signal.aborted
    ? 'aborted'
    : allEnded && trials.size >= maxTrials
      ? 'finished'
      : allEnded && exhausted
        ? 'exhausted'
        : 'timeout';
  return { study, trials: all(), stopped };
}

/**
 * Returns the error that ends a search if the last `maxFailures` trials all failed before the end of their first epoch. Otherwise
 * returns undefined. `endedTrials` are in the order in which they ended.
 */
function createTooManyFailuresError(
  endedTrials: readonly TrialRecord[],
  maxFailures: number,
): Error | undefined {
  const last = endedTrials.slice(-maxFailures);
  if (last.length < maxFailures || last.some(({ state, rows }) => state !== 'failed' || rows.length > 0))
    return undefined;
  return createError({
    kind: 'data',
    path: `trial ${last.at(-1)!.number}`,
    expected: 'a trial that completes its first epoch',
    received: `${maxFailures} consecutive failures (last reason: ${last.at(-1)!.reason})`,
    advice:
      'Fix the cause and run the study again to repeat these trials. To allow more failures, increase maxConsecutiveFailures.',
  });
}
