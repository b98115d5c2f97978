import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import type { Study } from '../../tuner/study.js';
import { openStudyRecords, readStudySettings, type StudyRecords } from '../../tuner/studyRecords.js';
import { toStore } from '../platform/folderStore.js';
import { getRuntimeVersions } from '../platform/packageFolder.js';
import type { StudyResult } from './runStudy.js';
import type { SettingsOf, StudyModule } from './studyModule.js';
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
