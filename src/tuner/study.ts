import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import type { Store } from '../core/platform/platform.js';
import type { Callback } from '../training/callback.js';
import { checkSearch } from './checkSearch.js';
import type { Pruner } from './pruners/pruner.js';
import type { Objectives } from './results/objectives.js';
import type { ParameterMap, ParamsOf, Space } from './space/space.js';
import type { Strategy } from './strategies/strategy.js';

/**
 * A trial as the function that runs it sees it.
 *
 * @typeParam V - The values of the space.
 * @category Tuner
 */
export interface Trial<V> {
  /** Counts from 1. */
  readonly number: number;
  /** What is tried. */
  readonly params: V;
  /** The trial's own folder: what is written here stays with it. */
  readonly store: Store;
  /** Threads that the trial may use. */
  readonly threads: number;
  /** Tells that the search is to stop; a trial that listens can go on later. */
  readonly signal: AbortSignal;
  /** Options for `model.fit`: written over your own, `{ epochs: 20, …, ...trial.fit }`. */
  readonly fitOptions: TrialFitOptions;
  /**
   * Adds an epoch, for a trial that does not train by `fit`.
   *
   * @returns Why the trial should end now, when the pruner says so.
   */
  report(row: { readonly [column: string]: number }): Promise<string | undefined>;
}

/**
 * What a trial adds to the options of `model.fit`.
 *
 * @category Tuner
 */
export interface TrialFitOptions {
  /** Where the run stands, so that it goes on after a kill, or with the next round. */
  readonly checkpoint: Store;
  /** Always. */
  readonly resume: true;
  /** Stops the run when the search stops. */
  readonly signal: AbortSignal;
  /** The trial's share of the machine. */
  readonly threads: number;
  /** Yours go beside them, `callbacks: [...trial.fit.callbacks, …]`. They report every epoch, end the run where the pruner says so, and keep the best model of the first objective in `best/`. */
  readonly callbacks: readonly Callback[];
  /** The last epoch of this round of Hyperband; absent otherwise. */
  readonly epochs?: number;
}

/**
 * What is searched, how, and how one trial runs.
 *
 * @typeParam P - The parts of its space.
 * @category Tuner
 */
export interface StudyOptions<P extends ParameterMap> {
  /** What is searched. */
  readonly space: Space<P>;
  /** Columns of the history. */
  readonly objectives: Objectives;
  /** How settings are chosen. */
  readonly strategy: Strategy;
  /**
   * Settings to try before the strategy proposes any, in this order: known good ones. One that a trial had already is not tried again, so
   * that more can be added when a search goes on; machines that run trials alone need the same. Of a strategy with a plan they take the
   * first places. Default none.
   */
  readonly initialParams?: readonly ParamsOf<Space<P>>[];
  /** Ends trials without promise. Default: none is ended. */
  readonly pruner?: Pruner;
  /** Names the random numbers. Default 0. */
  readonly seed?: number;
  /** Anything that must be the same in all runs of the study: a digest of the data, say. Default ''. */
  readonly digest?: string;
  /** Runs one trial, in a process of its own. What it throws fails this trial alone. */
  run(trial: Trial<ParamsOf<Space<P>>>): Promise<unknown>;
}

/**
 * A study: what {@link study} makes.
 *
 * @category Tuner
 */
export interface Study<P extends ParameterMap = ParameterMap> extends StudyOptions<P> {
  /** Marks it, for other copies of the library. */
  readonly '~study': true;
}

/** Options of a study; a study may be given as those of another. */
const OPTION_NAMES = [
  'space',
  'objectives',
  'strategy',
  'initialParams',
  'pruner',
  'seed',
  'digest',
  'run',
  '~study',
];

/**
 * Describes a search. A module exports one as its default, or a function from settings to one; `runStudy` of `tfjs-multitask/node` runs
 * it, and every trial imports the same module.
 *
 * @throws `argument` fault for parts that are something else, unknown names, and two objectives of one column; `data` fault for settings in `first`
 *   that the space does not have.
 * @example
 * ```ts
 * import { float, minimize, random, space, study } from 'tfjs-multitask/tuner';
 *
 * export const parabola = study({
 *   space: space({ x: float({ min: -1, max: 1 }) }),
 *   objectives: minimize('y'),
 *   strategy: random(),
 *   run: ({ params, report }) => report({ y: params.x ** 2 }),
 * });
 * console.log(parabola.objectives); // { metric: 'y', direction: 'minimize' }
 * ```
 * @category Tuner
 */
export function study<const P extends ParameterMap>(options: StudyOptions<P>): Study<P> {
  checkSearch('study', options ?? {}, OPTION_NAMES);
  if (typeof options.run !== 'function') {
    throw createError({
      kind: 'argument',
      path: 'study.run',
      expected: 'a function',
      received: describeType(options.run),
      advice: 'Write run: async ({ params, fitOptions }) => { … }.',
    });
  }
  return { ...options, '~study': true };
}

/** Whether a value is a study, of any copy of the library. */
export const isStudy = (value: unknown): value is Study =>
  (value as Partial<Study> | null | undefined)?.['~study'] === true;
