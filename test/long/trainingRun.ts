/** A small training run that writes every kind of file, and checks for the folder that it leaves when it is interrupted. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listImageFiles } from '../../src/core/records/answerSelection.js';
import {
  batchNorm,
  bestCheckpoint,
  binary,
  branch,
  conv,
  createRng,
  csvLogger,
  dense,
  dropout,
  flatten,
  imagesInMemory,
  jsonLinesLogger,
  loadModel,
  maxPool,
  multiTask,
  randomRotation,
  regression,
  sharedTrunk,
  tensorBoard,
} from '../../src/entries/node.js';
import { readSafetensors } from '../../src/formats/safetensors.js';
import { folderStore, recordRun } from '../../src/node/index.js';
import { readRunRecord } from '../../src/report/index.js';
import type { Engine } from './fileKinds.js';

const SIDE = 12;
const random = createRng(1, 'images');
const images = imagesInMemory(
  Array.from({ length: 24 }, (_, i) => ({
    id: `face-${i}`,
    image: {
      data: Uint8Array.from({ length: SIDE * SIDE * 3 }, () => random.nextInt(256)),
      height: SIDE,
      width: SIDE,
      channels: 3,
    },
    labels: { age: 3 * i, gender: i % 2 ? ('male' as const) : ('female' as const) },
  })),
);
const split = images.split({ validation: 4 / 24, seed: 1 });
const train = split.train.augment([randomRotation({ degrees: 20 })]);

/** Settings of {@link trainAndRecord}. */
export interface TrainingRunOptions {
  readonly engine: Engine;
  readonly epochs: number;
  readonly seed?: number;
  readonly overwrite?: boolean;
  /** Called after each epoch, when all callbacks have written their files. */
  readonly onEpoch?: () => void;
}

/** Trains a small network and records the run. Continues a run in the folder, unless `overwrite` is true. The files are the same each time. */
export async function trainAndRecord(folder: string, options: TrainingRunOptions): Promise<void> {
  const { engine, epochs, seed = 1, overwrite = false, onEpoch = () => {} } = options;
  const store = folderStore(folder);
  const model = multiTask({ input: [SIDE, SIDE, 3], seed })
    .trunk(sharedTrunk([conv(4, 3), maxPool(2), batchNorm()]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8), dropout(0.2)]))
    .task('gender', binary(['male', 'female']), branch([flatten()]))
    .build();
  const { validation } = split;
  try {
    const history = await model.fit(train, {
      ...{ validation, epochs, seed, engine, batchSize: 4, threads: 1 },
      checkpoint: store,
      ...(overwrite ? { overwrite } : { resume: 'auto' as const }),
      clock: () => 0,
      callbacks: [
        bestCheckpoint(store),
        csvLogger(store),
        jsonLinesLogger(store),
        tensorBoard(store, { folder: 'events', now: () => 1e12, updateFreq: 'batch' }),
        { name: 'onEpoch', onEpochEnd: onEpoch },
      ],
    });
    // The dataset without its augmentation, so that the record has few images.
    const data = { name: 'run', datasetName: 'noise', train: split.train, validation };
    await recordRun(store, model, { ...data, history, gradCams: 1, overwrite });
  } finally {
    model.dispose();
  }
}

/** Returns the contents of all files in a folder, also of temporary files, by name. The folder may not exist. */
export function readFolder(folder: string): Map<string, Buffer> {
  if (!existsSync(folder)) return new Map();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path)]));
}

/** Returns how the files of two folders differ, as a list of names. */
export function compareFolders(found: Map<string, Buffer>, expected: Map<string, Buffer>): string[] {
  const names = new Set([...found.keys(), ...expected.keys()]);
  return [...names].filter((name) => {
    const [a, b] = [found.get(name), expected.get(name)];
    return !a || !b || !a.equals(b);
  });
}

/** What an uninterrupted run writes. */
export interface Reference {
  /** All files of the finished run. */
  readonly files: Map<string, Buffer>;
  /** Contents of `best/model.json` after each epoch. It contains the hash of the weights. */
  readonly models: ReadonlySet<string>;
}

/** Runs the training without an interruption. */
export async function createReference(folder: string, options: TrainingRunOptions): Promise<Reference> {
  const models = new Set<string>();
  const onEpoch = () => models.add(readFileSync(join(folder, 'best/model.json'), 'utf8'));
  await trainAndRecord(folder, { ...options, onEpoch: () => void onEpoch() });
  return { files: readFolder(folder), models };
}

/** Files that grow during a run. Until the end of the run, each contains the beginning of its final contents. */
const GROWING_FILES = /^(?:history\.(?:csv|jsonl)|events\/.*\.v2)$/;

/**
 * Checks the folder of a run that was interrupted: each file can be read, and belongs to the same run. Returns the problems. The folder is
 * not changed.
 *
 * @param references - The runs to which the files may belong.
 */
export async function checkInterruptedFolder(
  folder: string,
  references: readonly Reference[],
): Promise<string[]> {
  const problems: string[] = [];
  const files = readFolder(folder);
  const store = folderStore(folder);
  const attempt = async (name: string, action: () => Promise<unknown>) => {
    if (!files.has(name)) return;
    await action().catch((error) => problems.push(`${name}: ${error}`));
  };
  for (const [name, bytes] of files) {
    if (!GROWING_FILES.test(name)) continue;
    const isPrefix = references.some((reference) =>
      reference.files.get(name)?.subarray(0, bytes.length).equals(bytes),
    );
    if (!isPrefix) problems.push(`${name} is not the beginning of the file of a complete run`);
  }
  await attempt('checkpoint.safetensors', async () => {
    const { metadata } = await readSafetensors((await store.read('checkpoint.safetensors'))!, 'checkpoint');
    JSON.parse(metadata.state!);
  });
  await attempt('best/model.json', async () => {
    const isComplete = references.some(({ models }) => models.has(files.get('best/model.json')!.toString()));
    if (!isComplete) problems.push('best/model.json is not the file of any epoch');
    (await loadModel(store, { folder: 'best' })).dispose();
  });
  await attempt('run.json', async () => {
    const record = await readRunRecord(store);
    const missing = listImageFiles(record).filter((file) => !record.images.has(file));
    if (missing.length > 0) problems.push(`run.json refers to missing images: ${missing}`);
  });
  return problems;
}
