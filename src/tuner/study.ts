import { checkWhole } from '../core/checkWhole.js';
import { adviceOn, fault, kindOf } from '../core/errors.js';
import type { Store } from '../core/outside.js';
import type { Callback } from '../training/callback.js';
import { type Objectives, objectivesOf } from './objectives.js';
import type { Pruner } from './pruners.js';
import type { Parts, Space, ValuesOf } from './space.js';
import type { Strategy } from './strategy.js';

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
  readonly values: V;
  /** The trial's own folder: what is written here stays with it. */
  readonly store: Store;
  /** Threads that the trial may use. */
  readonly threads: number;
  /** Tells that the search is to stop; a trial that listens can go on later. */
  readonly signal: AbortSignal;
  /** Options for `model.fit`: written over your own, `{ epochs: 20, …, ...trial.fit }`. */
  readonly fit: TrialFit;
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
export interface TrialFit {
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
export interface StudyOptions<P extends Parts> {
  /** What is searched. */
  readonly space: Space<P>;
  /** Columns of the history. */
  readonly objectives: Objectives;
  /** How settings are chosen. */
  readonly strategy: Strategy;
  /** Ends trials without promise. Default: none is ended. */
  readonly pruner?: Pruner;
  /** Names the random numbers. Default 0. */
  readonly seed?: number;
  /** Anything that must be the same in all runs of the study: a digest of the data, say. Default ''. */
  readonly digest?: string;
  /** Runs one trial, in a process of its own. What it throws fails this trial alone. */
  run(trial: Trial<ValuesOf<Space<P>>>): Promise<unknown>;
}

/**
 * A study: what {@link study} makes.
 *
 * @category Tuner
 */
export interface Study<P extends Parts = Parts> extends StudyOptions<P> {
  /** Marks it, for other copies of the library. */
  readonly '~study': true;
}

/**
 * Describes a search. A module exports one as its default, or a function from settings to one; `runStudy` of `tfjs-multitask/node` runs
 * it, and every trial imports the same module.
 *
 * @throws `argument` fault for parts that are something else, and for two objectives of one column.
 * @example
 * ```ts
 * import { float, minimize, random, space, study } from 'tfjs-multitask/tuner';
 *
 * export const parabola = study({
 *   space: space({ x: float({ min: -1, max: 1 }) }),
 *   objectives: minimize('y'),
 *   strategy: random(),
 *   run: ({ values, report }) => report({ y: values.x ** 2 }),
 * });
 * console.log(parabola.objectives); // { metric: 'y', direction: 'minimize' }
 * ```
 * @category Tuner
 */
export function study<const P extends Parts>(options: StudyOptions<P>): Study<P> {
  const { space, objectives, strategy, pruner, seed = 0, run } = options ?? {};
  const wrong = (path: string, expected: string, received: unknown, advice: string) =>
    fault({ kind: 'argument', path: `study.${path}`, expected, received: kindOf(received), advice });
  if (!Array.isArray((space as Partial<Space<P>> | undefined)?.dimensions))
    throw wrong(
      'space',
      'a space',
      space,
      adviceOn(space, 'Write space: space({ dropout: float({ min: 0, max: 0.5 }) }).'),
    );
  const list = objectives === undefined ? [] : objectivesOf(objectives);
  if (list.length === 0 || !list.every((one) => typeof one?.metric === 'string'))
    throw wrong(
      'objectives',
      'one objective or several',
      objectives,
      "Write objectives: minimize('val_loss').",
    );
  const twice = list.find(({ metric }, i) => list.findIndex((other) => other.metric === metric) < i);
  if (twice) throw wrong('objectives', 'each column once', twice.metric, 'Leave one out.');
  if (typeof strategy?.propose !== 'function')
    throw wrong('strategy', 'a strategy', strategy, 'Write strategy: tpe().');
  if (pruner !== undefined && typeof pruner?.prune !== 'function')
    throw wrong('pruner', 'a pruner', pruner, 'Write pruner: medianPruner().');
  if (typeof run !== 'function')
    throw wrong('run', 'a function', run, 'Write run: async ({ values, fit }) => { … }.');
  checkWhole('study.seed', seed, 0, 'Leave it out for 0.');
  return { ...options, '~study': true };
}

/** Whether a value is a study, of any copy of the library. */
export const isStudy = (value: unknown): value is Study =>
  (value as Partial<Study> | null | undefined)?.['~study'] === true;
