import { readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import type { MultiTaskModel } from 'tfjs-multitask';
import { utkFaceGroups } from 'tfjs-multitask/datasets';
import { type folderStore, recordRun, watchRun } from 'tfjs-multitask/node';
import type { StudyArguments } from './arguments.js';
import type { Faces } from './faces.js';
import type { StudyModel } from './train.js';

/** What the command line said, for those who read it later. */
export const saidBy = ({
  demo,
  data,
  size,
  batchSize,
  epochs,
  seed,
  engine,
  limit,
  augment,
  own,
}: StudyArguments) => ({
  data: demo ? 'drawn faces' : data,
  ...{ size, batchSize, epochs, seed, engine, limit, augment },
  ...own,
});

/** What a report says of a run of the study, whatever came out. */
const described = (name: string, { train, validation }: Faces, args: StudyArguments, origin?: string) => {
  const { demo, data, seed, images } = args;
  return {
    name,
    datasetName: demo ? 'drawn faces' : data,
    train,
    validation,
    images,
    seed,
    versions: versions(),
    remarks: [
      ...(origin ? [origin] : []),
      ...(demo ? ['The faces are drawings: nothing here says anything about people.'] : []),
    ],
    arguments: { ...saidBy(args), limit: args.limit ?? null },
    groups: (id: string) => {
      const { race, ...sex } = utkFaceGroups(id);
      return demo || race === undefined ? sex : { ...sex, race }; // drawings have none
    },
  };
};

/** Says what is about to be trained, and with `--watch` serves it as a page; the answer, called, ends that. */
export async function beginRecord(
  store: ReturnType<typeof folderStore>,
  name: string,
  model: StudyModel,
  faces: Faces,
  args: StudyArguments,
): Promise<() => Promise<void>> {
  if (!args.resume) await store.remove('history.csv'); // of another run
  await recordRun(store, model, described(name, faces, args));
  if (!args.watch) return async () => {};
  const { url, close } = await watchRun(args.out, { images: args.images });
  console.log(`Watch it at ${url}`);
  return close;
}

/** What the run leaves for a report. */
export async function endRecord(
  store: ReturnType<typeof folderStore>,
  name: string,
  kept: MultiTaskModel<StudyModel['tasks']>,
  history: Awaited<ReturnType<StudyModel['fit']>>,
  faces: Faces,
  args: StudyArguments,
  origin?: string,
): Promise<void> {
  await recordRun(store, kept, { ...described(name, faces, args, origin), history });
}

/** Of packages and the machine. */
export function versions(): { readonly [name: string]: string } {
  const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    'tfjs-multitask': own.version,
    '@tensorflow/tfjs': own.devDependencies['@tensorflow/tfjs'],
    node: process.versions.node,
    machine: `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  };
}
