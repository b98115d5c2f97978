import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import type { Study } from '../../tuner/study.js';
import { openStudyRecords, readStudySettings, type StudyRecords } from '../../tuner/studyRecords.js';
import { getRuntimeVersions } from '../platform/runtimeVersions.js';
import { loadStudy, type StudySettings, toModuleUrl } from './trial/loadStudy.js';

/**
 * Opens the study of a search that was started earlier. The module of the study is loaded with the settings of the search. Values in
 * `settings` override these settings.
 *
 * @throws A `file` error if the store contains no study. The errors of `loadStudy` and `openStudyRecords`.
 */
export async function openStudy(
  module: string | URL,
  store: Store,
  settings: Partial<StudySettings> = {},
): Promise<{ readonly study: Study; readonly records: StudyRecords; readonly moduleUrl: string }> {
  const savedSettings = await readStudySettings(store);
  if (savedSettings === undefined) {
    throw createError({
      kind: 'file',
      path: `${store.label}/study.json`,
      expected: 'a study that was started with runStudy()',
      received: 'a file that does not exist',
      advice: 'Start the search in this folder first, and check that this machine can access the folder.',
    });
  }
  const moduleUrl = toModuleUrl(module);
  const study = await loadStudy(moduleUrl, { ...savedSettings, ...settings } as StudySettings);
  return { study, records: await openRecords(store, study, savedSettings), moduleUrl };
}

/**
 * Opens the records of a study, and checks that this version of the library wrote them. If the study has no records, creates them with
 * `settings`.
 */
export const openRecords = (store: Store, study: Study, settings: StudySettings): Promise<StudyRecords> =>
  openStudyRecords(store, study, { library: getRuntimeVersions()['tfjs-multitask']!, settings });
