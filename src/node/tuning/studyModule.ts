import type { TrialRecord } from '../../tuner/results/trialRecord.js';
import type { ParameterMap, ParamsOf, Space } from '../../tuner/space/space.js';
import type { Study } from '../../tuner/study.js';
import type { StudySettings } from './trial/loadStudy.js';

/**
 * Type of a study's module. Use `typeof import('./search.js')`, which determines the types of settings and params.
 *
 * @typeParam S - Type of the study that the module exports or returns.
 * @category Tuner
 */
export interface StudyModule<S extends Study<any> = Study<any>> {
  /** A study, or a function that returns a study for some settings. */
  readonly default: S | ((settings: any) => S | Promise<S>);
}

/**
 * Type of the study of a module.
 *
 * @typeParam M - `typeof import('./search.js')`.
 * @category Tuner
 */
export type StudyOf<M extends StudyModule> = M['default'] extends infer D
  ? D extends (settings: any) => infer S
    ? Awaited<S>
    : D
  : never;

/**
 * Type of a trial record of a module's study. Its params are `unknown` if the type of the module is not specified.
 *
 * @typeParam M - `typeof import('./search.js')`.
 * @category Tuner
 */
export type TrialOf<M extends StudyModule> = TrialRecord<
  StudyOf<M> extends Study<infer P> ? (ParameterMap extends P ? unknown : ParamsOf<Space<P>>) : unknown
>;

/**
 * Type of the settings of a module's function. They may have any names if the type of the module is not specified, or its function
 * has no parameter.
 *
 * @typeParam M - `typeof import('./search.js')`.
 * @category Tuner
 */
export type SettingsOf<M extends StudyModule> = M['default'] extends (settings: infer S) => unknown
  ? unknown extends S
    ? StudySettings
    : S
  : StudySettings;

/**
 * Options that require `settings` if the module's function requires them.
 *
 * @typeParam M - `typeof import('./search.js')`.
 * @category Tuner
 */
export type RequiredSettings<M extends StudyModule> =
  Record<never, never> extends SettingsOf<M>
    ? unknown
    : {
        /** Settings that are passed to the module's function. */
        readonly settings: SettingsOf<M>;
      };
