import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import type { Study } from '../../tuner/study.js';
import { openStudyRecords, readStudySettings, type StudyRecords } from '../../tuner/studyRecords.js';
import { getRuntimeVersions } from '../platform/runtimeVersions.js';
import { loadStudy, type StudySettings, toModuleUrl } from './trial/loadStudy.js';

/** A study that was begun, as its module describes it with the settings that it began with and those of this machine. */
export async function openStudy(
  module: string | URL,
  store: Store,
  settings: Partial<StudySettings> = {},
): Promise<{ readonly study: Study; readonly records: StudyRecords }> {
  const begun = await readStudySettings(store);
  if (begun === undefined) {
    throw createError({
      kind: 'file',
      path: `${store.label}/study.json`,
      expected: 'a study that a search has started',
      received: 'no such file',
      advice: 'Start the search in this folder first, and check that this machine can access the folder.',
    });
  }
  const study = await loadStudy(toModuleUrl(module), { ...begun, ...settings } as StudySettings);
  return { study, records: await openRecords(store, study, begun) };
}

/** The records of a study with this version of the library, begun with `settings` if nothing lies there. */
export const openRecords = (store: Store, study: Study, settings: StudySettings): Promise<StudyRecords> =>
  openStudyRecords(store, study, { library: getRuntimeVersions()['tfjs-multitask']!, settings });
