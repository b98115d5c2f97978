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
import { createTrialDispatcher } from './trialDispatcher.js';
import type { QueueOptions } from './trialQueue.js';
import { resolveTrialResources, TIMEOUT_CHECK, type TrialResources } from './trialResources.js';

/**
 * Options of {@link runStudy}.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface RunStudyOptions<M extends StudyModule = StudyModule<Study>> {
  /** Where the study is kept, and goes on: a folder, or a store. */
  readonly folder: string | Store;
  /** Trials in all, those of earlier runs among them. Default: until the strategy has no more. */
  readonly trials?: number;
  /** Trials at a time, each in a process of its own; with a queue, as many as are handed out at once. Default 1. */
  readonly parallel?: number;
  /** Hands trials out to workers on other machines, instead of running them here. Default: they run here. */
  readonly queue?: QueueOptions;
  /** What the module's function is given, if its default export is one. Default `{}`. */
  readonly settings?: SettingsOf<M>;
  /** Threads of one trial. Default: the machine's, shared equally. */
  readonly threads?: number;
  /** Seconds after which no further trial begins; those that run come to their end. Default: none. */
  readonly timeout?: number;
  /** Seconds after which a trial is taken to hang. Default: never. */
  readonly trialTimeout?: number;
  /**
   * Trials in a row that may fail before their first epoch: after so many the search ends, since the fault is not in the settings, and the
   * next one begins with them again. Default 3.
   */
  readonly maxConsecutiveFailures?: number;
  /** Stops the search: running trials stop after their step, and go on when it does. */
  readonly signal?: AbortSignal;
  /** Told of every change. */
  readonly onChange?: (trials: readonly TrialOf<M>[], study: StudyOf<M>) => void;
}

/**
 * What a search came to.
 *
 * @typeParam M - Type of the study's module, `typeof import('./search.js')`.
 * @category Tuner
 */
export interface StudyResult<M extends StudyModule = StudyModule<Study>> {
  /** The study that the module made. */
  readonly study: StudyOf<M>;
  /** All trials, by number. */
  readonly trials: readonly TrialOf<M>[];
  /** Why it ended: as many trials as were asked for, no setting left, the time was over, or stopped by the signal. */
  readonly stopped: 'finished' | 'exhausted' | 'timeout' | 'aborted';
}

const OPTION_NAMES = [
  ...['folder', 'trials', 'parallel', 'queue', 'settings', 'threads', 'timeout', 'trialTimeout'],
  ...['maxConsecutiveFailures', 'signal', 'onChange'],
];

/**
 * Runs a search: trials in processes of their own, every step written, so that a search which was killed goes on with the same values
 * and loses no more than the epochs in progress. A trial that throws, crashes, hangs, runs out of memory or never reports a number is
 * noted as failed, with its reason, and the search goes on.
 *
 * @typeParam M - Type of the module, `typeof import('./my-study.js')`: settings and the values of trials have their types then.
 * @param module - The module whose default export is a study: its path, or its address. Each trial imports it anew.
 * @throws `checkpoint` fault where another study lies in `folder`; `file` fault while another process searches there, and for a
 *   module that is none; `argument` fault for options out of range or unknown, and settings that are no JSON; `data` fault after too many failures in a row.
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
export async function runStudy(module: string | URL, given: RunStudyOptions): Promise<StudyResult> {
  const {
    settings = {},
    maxConsecutiveFailures = 3,
    trials: maxTrials = Number.POSITIVE_INFINITY,
    timeout,
  } = given;
  checks.optionNames('runStudy', given, OPTION_NAMES);
  const means = resolveTrialResources('runStudy', given);
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
      received: 'neither of them',
      advice: `Give one of them: the strategy ${study.strategy.name} never exhausts a space with a continuous parameter.`,
    });
  }
  const unlock = await lockStudy(means.store);
  try {
    const whole = { ...given, ...means, moduleUrl, settings, maxConsecutiveFailures, maxTrials, timeout };
    return await runSearch(study, whole);
  } finally {
    await unlock();
  }
}

interface ResolvedRunOptions extends TrialResources, Pick<RunStudyOptions, 'onChange' | 'queue'> {
  readonly moduleUrl: string;
  readonly settings: StudySettings;
  readonly maxConsecutiveFailures: number;
  readonly maxTrials: number;
  readonly timeout: number | undefined;
}

async function runSearch(study: Study, options: ResolvedRunOptions): Promise<StudyResult> {
  const {
    moduleUrl,
    settings,
    store,
    parallel,
    threads,
    trialTimeout,
    maxConsecutiveFailures,
    maxTrials,
    timeout,
    queue,
  } = options;
  const { onChange = () => {} } = options;
  const deadline = Date.now() + 1000 * (timeout ?? Number.POSITIVE_INFINITY);
  // Also when the search itself cannot go on: its trials must not write where the lock is given back.
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const records = await openRecords(store, study, settings);
  const trials = new Map((await records.readTrials()).map((trial) => [trial.number, trial]));
  const all = () => [...trials.values()];
  const again = getUnfinishedTrials(all());
  const active = new Map<number, Promise<void>>();
  let exhausted = false;
  let broken: unknown;
  const over: TrialRecord[] = [];
  const fail = (error: unknown) => {
    broken ??= error;
    ending.abort();
  };
  onChange(all(), study);

  const set = (trial: TrialRecord) => {
    trials.set(trial.number, trial);
    onChange(all(), study);
  };

  /** The next trial: what was left running, or what the strategy proposes. */
  const next = async (): Promise<TrialRecord | undefined> => {
    const left = again.shift();
    if (left) return left;
    if (exhausted || trials.size >= maxTrials) return undefined;
    const proposal = proposeTrial(study.space, study, getNextTrialNumber(all(), study.strategy), all());
    if (proposal === undefined) exhausted = true;
    if (proposal === undefined || proposal === 'wait') return undefined;
    await records.clearTrial(proposal.number); // of a copy that was killed in its middle
    if (proposal.rung?.parent !== undefined) await records.copyTrial(proposal.rung.parent, proposal.number);
    await records.saveProgress(proposal);
    set(proposal);
    return proposal;
  };

  const place = {
    study,
    records,
    store,
    moduleUrl,
    settings,
    threads,
    trialTimeout,
    signal,
    listTrials: all,
    onEpoch: set,
  };
  const delivery =
    queue &&
    (await createTrialDispatcher(
      store,
      records,
      { ...queue, code: await computeCodeHash(moduleUrl), settings, deadline },
      signal,
    ));
  const run = async (trial: TrialRecord) => {
    const ended = await (delivery ? delivery.dispatch(trial, set) : executeTrial(place, trial));
    if (!ended) return;
    set(ended);
    over.push(ended);
  };

  for (;;) {
    while (active.size < parallel && !signal.aborted && broken === undefined && Date.now() < deadline) {
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
    const fault = broken === undefined && createTooManyFailuresError(over, maxConsecutiveFailures);
    if (!fault) continue;
    fail(fault);
    // It was none of the settings: once it is mended, they are tried.
    await Promise.all(over.slice(-maxConsecutiveFailures).map(records.reopenTrial)).catch(fail);
  }
  await delivery?.close();
  if (broken !== undefined) throw broken;
  const done = all().every(hasEnded);
  const stopped = options.signal.aborted
    ? 'aborted'
    : done && trials.size >= maxTrials
      ? 'finished'
      : done && exhausted
        ? 'exhausted'
        : 'timeout';
  return { study, trials: all(), stopped };
}

/** The fault that ends a search whose last trials all failed, in the order in which they ended. */
function createTooManyFailuresError(over: readonly TrialRecord[], failures: number): Error | undefined {
  const last = over.slice(-failures);
  if (last.length < failures || last.some(({ state, rows }) => state !== 'failed' || rows.length > 0))
    return undefined;
  return createError({
    kind: 'data',
    path: `trial ${last.at(-1)!.number}`,
    expected: 'a trial that completes its first epoch',
    received: `${failures} consecutive failures, the last of them with the reason: ${last.at(-1)!.reason}`,
    advice:
      'Fix the cause and run the study again, which repeats these trials. Allow more failures with maxConsecutiveFailures.',
  });
}
