import * as checks from '../../core/errors/checks.js';
import type { Store } from '../../core/platform/platform.js';
import type { Study } from '../../tuner/study.js';
import { toStore } from '../platform/folderStore.js';
import { openStudy } from './openStudy.js';
import type { StudyResult } from './runStudy.js';
import type { SettingsOf, StudyModule } from './studyModule.js';
import type { StudySettings } from './trial/loadStudy.js';

/**
 * Reads a study and its trials from the folder of the study. This function runs no trials, so you can call it while a search is
 * running.
 *
 * @typeParam M - Type of the study's module, `typeof import('./my-study.js')`.
 * @param module - Path or URL of the study's module.
 * @param options - `folder`: folder or store of the study. `settings`: settings that override those of the search.
 * @returns The study, and its trials sorted by number. Pass them to `bestTrial`, `resultsTable` or
 *   `writeStudyResults`.
 * @throws A `file` error if the folder contains no study, or records cannot be read. A `checkpoint` error if the folder contains a
 *   different study.
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
  checks.options('readStudy', options, { folder: true, settings: true });
  const { folder, settings } = options;
  const { study, records } = await openStudy(module, toStore('readStudy.folder', folder), settings);
  return { study, trials: await records.readTrials() };
}
