import { readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import type { History } from 'tfjs-multitask';
import { utkFaceGroups } from 'tfjs-multitask/datasets';
import { folderStore, recordRun, watchRun } from 'tfjs-multitask/node';
import { describeArguments, type StudyArguments } from './arguments.js';
import type { FaceDataset } from './faces.js';
import { abortOnInterrupt } from './interrupt.js';
import type { modelA } from './modelA.js';

/** Model of the study: any model with the tasks of Model A. */
export type StudyModel = ReturnType<typeof modelA>;

/** Training history of a model of the study. */
export type StudyHistory = History<StudyModel['tasks']>;

/** Options of {@link startRun}. */
export interface StudyRunOptions {
  /** Title of the report. */
  readonly name: string;
  readonly model: StudyModel;
  readonly train: FaceDataset;
  readonly validation: FaceDataset;
  readonly args: StudyArguments;
  /** Sentence about the initial weights that is shown with the results. */
  readonly origin?: string;
  /** Sentence that is printed after Ctrl-C about how to continue the run. */
  readonly resumeAdvice?: string;
}

/** Run of an example that {@link startRun} has started. */
export type StudyRun = Awaited<ReturnType<typeof startRun>>;

/** Writes the first record of a run, so that its report can be watched, and returns the options of `fit` that depend on the machine. */
export async function startRun(options: StudyRunOptions) {
  const { model, args, resumeAdvice = 'Add --resume to the command to continue.' } = options;
  const store = folderStore(args.out);
  // The report page reads this file during training. Without --resume it belongs to an earlier run.
  if (!args.resume) await store.remove('history.csv');
  await recordRun(store, model, describeRun(options));
  if (args.watch) {
    const { url } = await watchRun(args.out, { images: args.images });
    console.log(`Watch the report at ${url}`);
  }
  const interrupt = abortOnInterrupt(resumeAdvice);
  return {
    ...options,
    store,
    /** Options of `fit` that do not change the result: engine, threads, and what happens when the run is stopped or resumed. */
    fitOptions: {
      engine: args.engine,
      ...(args.threads === undefined ? {} : { threads: args.threads }),
      compileCache: folderStore('out/graphs'),
      checkpoint: store,
      resume: args.resume,
      signal: interrupt.signal,
      log: console.log,
    },
    /** Writes the record of the finished run, with the predictions of its best model. */
    async saveRecord(bestModel: StudyModel, history: StudyHistory): Promise<void> {
      interrupt.dispose();
      await recordRun(store, bestModel, { ...describeRun(options), history });
    },
  };
}

/** Returns the information about a run that the report shows in addition to its history. */
function describeRun({ name, train, validation, args, origin }: StudyRunOptions) {
  const { demo, data, seed, images } = args;
  return {
    name,
    datasetName: demo ? 'drawn faces' : data,
    train,
    validation,
    images,
    seed,
    versions: getVersions(),
    remarks: [
      ...(origin ? [origin] : []),
      ...(demo ? ['The faces are drawings. The results say nothing about real people.'] : []),
    ],
    arguments: describeArguments(args),
    groups: (id: string) => {
      const { race, ...sex } = utkFaceGroups(id);
      return demo || race === undefined ? sex : { ...sex, race }; // drawn faces have no race
    },
  };
}

/** Returns the versions of packages and the machine, for the report and `summary.json`. */
export function getVersions(): { readonly [name: string]: string } {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    'tfjs-multitask': manifest.version,
    '@tensorflow/tfjs': manifest.devDependencies['@tensorflow/tfjs'],
    node: process.versions.node,
    machine: `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  };
}
