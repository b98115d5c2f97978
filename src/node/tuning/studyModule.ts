import type { TrialRecord } from '../../tuner/results/trialRecord.js';
import type { ParameterMap, ParamsOf, Space } from '../../tuner/space/space.js';
import type { Study } from '../../tuner/study.js';
import type { StudySettings } from './trial/loadStudy.js';

/**
 * The module of a study: `typeof import('./search.js')` says its type, from which that of its values follows.
 *
 * @typeParam S - The study that it exports, or makes.
 * @category Tuner
 */
export interface StudyModule<S extends Study<any> = Study<any>> {
  /** A study, or a function from settings to one. */
  readonly default: S | ((settings: any) => S | Promise<S>);
}

/**
 * The study of a module.
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
 * A trial of a module's study; its values are `unknown` where the module's type was not said.
 *
 * @typeParam M - `typeof import('./search.js')`.
 * @category Tuner
 */
export type TrialOf<M extends StudyModule> = TrialRecord<
  StudyOf<M> extends Study<infer P> ? (ParameterMap extends P ? unknown : ParamsOf<Space<P>>) : unknown
>;

/**
 * What a module's function is given, JSON by name; of any names where the module's type was not said, or it takes none.
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
 * Asks for `settings` where the module's function cannot do without.
 *
 * @typeParam M - `typeof import('./search.js')`.
 * @category Tuner
 */
export type RequiredSettings<M extends StudyModule> =
  Record<never, never> extends SettingsOf<M>
    ? unknown
    : {
        /** What the module's function is given. */
        readonly settings: SettingsOf<M>;
      };
