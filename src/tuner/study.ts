import * as checks from '../core/errors/checks.js';
import type { Store } from '../core/platform/platform.js';
import type { Callback } from '../training/callback.js';
import { checkSearch, SEARCH_OPTION_NAMES, type SearchDefinition } from './checkSearch.js';
import type { ParameterMap, ParamsOf, Space } from './space/space.js';

/**
 * Argument of the function that runs a trial.
 *
 * @typeParam V - Type of the params of the search space.
 * @category Tuner
 */
export interface Trial<V> {
  /** Number of the trial, counted from 1. */
  readonly number: number;
  /** Params with which the trial runs. */
  readonly params: V;
  /** Store in which the trial can save files, for example its model. The files are written to the folder of the trial. */
  readonly store: Store;
  /** Number of threads that the trial may use. */
  readonly threads: number;
  /** Signal that is aborted when the search stops. A trial that stops on this signal can be resumed later. */
  readonly signal: AbortSignal;
  /** Options for `model.fit`. Spread them after your options: `{ epochs: 20, …, ...trial.fitOptions }`. */
  readonly fitOptions: TrialFitOptions;
  /**
   * Reports the metrics of one epoch. Call this function only if the trial does not pass {@link Trial.fitOptions} to `model.fit`.
   *
   * @returns The pruner's reason to stop the trial now, or undefined to continue.
   */
  report(row: { readonly [column: string]: number }): Promise<string | undefined>;
}

/**
 * Options for `model.fit` that a trial provides.
 *
 * @category Tuner
 */
export interface TrialFitOptions {
  /** Store for the training checkpoint. A trial that was killed or promoted continues from this checkpoint. */
  readonly checkpoint: Store;
  /** Always `auto`: a trial that was interrupted continues from its checkpoint. */
  readonly resume: 'auto';
  /** Signal that stops the run when the search stops. */
  readonly signal: AbortSignal;
  /** Number of threads that the trial may use. */
  readonly threads: number;
  /**
   * Callbacks that report every epoch, stop the run if the trial is pruned, and save the best model according to the first
   * objective to `best/`. To add more callbacks, write `callbacks: [...trial.fitOptions.callbacks, …]`.
   */
  readonly callbacks: readonly Callback[];
  /** Epoch at which the current {@link hyperband} round ends. Absent with other strategies. */
  readonly epochs?: number;
}

/**
 * Options for {@link study}.
 *
 * @typeParam P - Parameters of the search space by name.
 * @category Tuner
 */
export interface StudyOptions<P extends ParameterMap> extends SearchDefinition<ParamsOf<Space<P>>> {
  /** Search space from which the params of the trials are chosen. */
  readonly space: Space<P>;
  /** String that must be the same each time the study is run, for example a hash of the data. Default: `''`. */
  readonly digest?: string;
  /** Runs one trial, in its own process. If this function throws, only this trial fails. */
  run(trial: Trial<ParamsOf<Space<P>>>): Promise<unknown>;
}

/**
 * A study, created by {@link study}.
 *
 * @typeParam P - Parameters of the search space by name.
 * @category Tuner
 */
export interface Study<P extends ParameterMap = ParameterMap> extends StudyOptions<P> {
  /** Marker that identifies a study, even if another copy of the library created the study. */
  readonly '~study': true;
}

/**
 * Names of the options for {@link study}. Options with other names are rejected. `'~study'` is included because a study can
 * be passed as the options of another study.
 */
const OPTION_NAMES: checks.OptionNames<Study> = {
  ...SEARCH_OPTION_NAMES,
  space: true,
  digest: true,
  run: true,
  '~study': true,
};

/**
 * Creates a study: a search together with the function that runs one trial. Export the study, or a function that receives
 * settings and returns a study, as the default export of a module. `runStudy` from `tfjs-multitask/node` runs the study, and
 * every trial imports the module in a new process.
 *
 * @throws An `argument` error if an option has the wrong type or an unknown name, or two objectives use one column. A `data`
 *   error if `initialParams` do not belong to the search space.
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
  checks.options<Partial<Study<P>>>('study', options, OPTION_NAMES, {
    advice: "Write study({ space: space({ ... }), strategy: tpe(), objectives: minimize('val_loss'), run }).",
  });
  checkSearch('study', options.space, options);
  checks.callable('study.run', options.run, {
    advice: 'Write run: async ({ params, fitOptions }) => { … }.',
  });
  if (options.digest !== undefined)
    checks.text('study.digest', options.digest, { advice: 'Omit it, or pass a hash as text.' });
  return { ...options, '~study': true };
}

/** Tests whether a value is a study, even if another copy of the library created it. */
export const isStudy = (value: unknown): value is Study =>
  (value as Partial<Study> | null | undefined)?.['~study'] === true;
