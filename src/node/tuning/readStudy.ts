import * as checks from '../../core/errors/checks.js';
import type { Store } from '../../core/platform/platform.js';
import type { Study } from '../../tuner/study.js';
import { toStore } from '../platform/folderStore.js';
import { openStudy } from './openStudy.js';
import type { StudyResult } from './runStudy.js';
import type { SettingsOf, StudyModule } from './studyModule.js';
import type { StudySettings } from './trial/loadStudy.js';

/**
 * What a search has come to, also while it runs: reads its folder, and runs nothing.
 *
 * @typeParam M - Type of the module, as for `runStudy`.
 * @param module - The study's module: its path, or its address.
 * @param options - `folder` of the study, or its store; `settings` over those that it was begun with.
 * @returns The study, and its trials by number, for `bestTrial`, `resultsTable`, `studyResults`.
 * @throws `file` fault where no study was begun, and for records that cannot be read; `checkpoint` fault where another study lies there.
 * @example
 * ```typescript
 * import { readStudy } from 'tfjs-multitask/node';
 * import { resultsTable } from 'tfjs-multitask/tuner';
 *
 * const { study, trials } = await readStudy('my-study.js', { folder: 'out/study' });
 * console.log(resultsTable(study, trials));
 * ```
 * @category Tuner
 */
export function readStudy<M extends StudyModule = StudyModule<Study>>(
  module: string | URL,
  options: { readonly folder: string | Store; readonly settings?: Partial<SettingsOf<M>> },
): Promise<Pick<StudyResult<M>, 'study' | 'trials'>>;
export async function readStudy(
  module: string | URL,
  options: { readonly folder: string | Store; readonly settings?: Partial<StudySettings> },
): Promise<Pick<StudyResult, 'study' | 'trials'>> {
  checks.optionNames('readStudy', options, ['folder', 'settings']);
  const { folder, settings } = options;
  const { study, records } = await openStudy(module, toStore(folder), settings);
  return { study, trials: await records.readTrials() };
}
