import type { TrialRecord } from '../../tuner/results/trialRecord.js';
import type { ParameterMap, ParamsOf, Space } from '../../tuner/space/space.js';
import type { Study } from '../../tuner/study.js';
import type { StudySettings } from './trial/loadStudy.js';

/**
 * Type of the module of a study. Use `typeof import('./search.js')`, which determines the types of settings and params.
 *
 * @typeParam S - Type of the study that the module exports or returns.
 * @category Tuner
 */
export interface StudyModule<S extends Study<any> = Study<any>> {
  /** A study, or a function that receives settings and returns a study. */
  readonly default: S | ((settings: any) => S | Promise<S>);
}

/**
 * Type of the study that a module exports.
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
 * Type of the trial records of the study that a module exports. The params are `unknown` if the type of the module is not
 * specified.
 *
 * @typeParam M - `typeof import('./search.js')`.
 * @category Tuner
 */
export type TrialOf<M extends StudyModule> = TrialRecord<
  StudyOf<M> extends Study<infer P> ? (ParameterMap extends P ? unknown : ParamsOf<Space<P>>) : unknown
>;

/**
 * Type of the settings that the function of a module receives. Settings with any names are allowed if the type of the module is not
 * specified, or if the function has no parameter.
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
 * Type that makes the `settings` option required if the function of the module requires settings.
 *
 * @typeParam M - `typeof import('./search.js')`.
 * @category Tuner
 */
export type RequiredSettings<M extends StudyModule> =
  Record<never, never> extends SettingsOf<M>
    ? unknown
    : {
        /** Settings that are passed to the function of the module. */
        readonly settings: SettingsOf<M>;
      };
