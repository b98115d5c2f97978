import { type MultiTaskModel, utkFaceGroups } from 'tfjs-multitask';
import { type folderStore, recordRun, report, watchRun } from 'tfjs-multitask/node';
import type { StudyArguments } from './arguments.js';
import type { Faces } from './faces.js';
import type { StudyModel } from './train.js';

/** What a report says of a run of the study, whatever came out. */
const described = (name: string, { train, validation }: Faces, args: StudyArguments) => {
  const { demo, data, size, batchSize, epochs, seed, engine, limit, augment, own, images } = args;
  return {
    name,
    dataName: demo ? 'drawn faces' : data,
    train,
    validation,
    images,
    seed,
    arguments: {
      data: demo ? 'drawn faces' : data,
      size,
      batchSize,
      epochs,
      seed,
      engine,
      limit: limit ?? null,
      augment,
      ...own,
    },
    groups: (id: string) => {
      const { race, ...sex } = utkFaceGroups(id);
      return demo || race === undefined ? sex : { ...sex, race }; // drawings have none
    },
  };
};

/** Says what is about to be trained, and with `--watch` serves it as a page while it is. */
export async function beginReport(
  store: ReturnType<typeof folderStore>,
  name: string,
  model: StudyModel,
  faces: Faces,
  args: StudyArguments,
): Promise<void> {
  if (!args.resume) await store.remove('history.csv'); // of another run
  await recordRun(store, model, described(name, faces, args));
  if (!args.watch) return;
  const { url } = await watchRun(args.out, { images: args.images });
  console.log(`Watch it at ${url}`);
}

/** What the run leaves for a report, and the report. */
export async function endReport(
  store: ReturnType<typeof folderStore>,
  name: string,
  kept: MultiTaskModel<StudyModel['tasks']>,
  history: Awaited<ReturnType<StudyModel['fit']>>,
  faces: Faces,
  args: StudyArguments,
  made: { readonly versions: { readonly [name: string]: string }; readonly remarks: readonly string[] },
): Promise<string> {
  const remarks = [
    ...made.remarks,
    ...(args.demo ? ['The faces are drawings: nothing here says anything about people.'] : []),
  ];
  await recordRun(store, kept, { ...described(name, faces, args), ...made, remarks, history });
  return report(args.out, { images: args.images });
}
