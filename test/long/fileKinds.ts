/** All kinds of files that the library reads, each with a valid file and a function that reads a mutated one. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { sha256 } from '../../src/core/digest.js';
import {
  bestCheckpoint,
  binary,
  createRng,
  csvLabels,
  csvLogger,
  jsonLinesLogger,
  loadKeras,
  loadModel,
  memoryStore,
  regression,
  type Store,
  tensorBoard,
} from '../../src/entries/node.js';
import type { Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../src/formats/hdf5/read/readHdf5.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js';
import { readZip, writeZip } from '../../src/formats/zip/zip.js';
import { readKerasWeights } from '../../src/interop/keras/file/weightFiles.js';
import { folderStore, imageFolder } from '../../src/node/index.js';
import { loadReportTools } from '../../src/node/report/reportTools.js';
import { createModelCard, createReportPage, readRunRecord } from '../../src/report/index.js';
import { CHECKPOINT_FILE } from '../../src/training/checkpoint.js';
import {
  askAndTell,
  bestTrial,
  choice,
  float,
  medianPruner,
  minimize,
  resultsCsv,
  resultsTable,
  space,
  study,
  type TrialRecord,
  tpe,
} from '../../src/tuner/index.js';
import { openStudyRecords } from '../../src/tuner/studyRecords.js';
import { good, settings, small } from '../bad-input/small.js';
import { fixture } from '../parity/fixture.js';
import { AGE, createRun, GENDER, GRADE } from '../report/createRun.js';

/** Engine on which a network is evaluated or trained. */
export type Engine = 'wasm' | 'onnx';

export interface FileKind {
  readonly name: string;
  readonly isJson?: boolean;
  /** Whether the file has a checksum, so that a mutated file is either rejected or has the same meaning. */
  readonly isChecksummed?: boolean;
  /** Relative frequency of the kind. Default 1. */
  readonly weight?: number;
  /** Creates the valid file. */
  create(): Uint8Array | Promise<Uint8Array>;
  /** Reads a mutated file. Returns a text that describes what was read, if the file has a checksum. */
  read(file: Uint8Array, engine: Engine): unknown;
}

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const memoize = <V>(create: () => Promise<V>) => {
  let value: Promise<V> | undefined;
  return () => {
    value ??= create();
    return value;
  };
};

async function copyStore(store: Store, changes: { readonly [name: string]: Uint8Array }): Promise<Store> {
  const copy = memoryStore('files');
  for (const name of await store.list()) await copy.write(name, (await store.read(name))!);
  for (const [name, bytes] of Object.entries(changes)) await copy.write(name, bytes);
  return copy;
}

const image = { data: new Uint8Array(8 * 8 * 3).fill(100), height: 8, width: 8, channels: 3 };

/** Options of a run that writes every kind of file to `store`. Its files are the same each time. */
const runInto = (store: Store, engine: Engine, epochs: number) =>
  ({
    ...settings,
    epochs,
    engine,
    validation: good(),
    checkpoint: store,
    clock: () => 0,
    callbacks: [
      bestCheckpoint(store, { monitor: 'val_age_loss' }),
      csvLogger(store),
      jsonLinesLogger(store),
      tensorBoard(store, { folder: 'events', now: () => 1e12 }),
    ],
  }) as const;

const runFiles = memoize(async () => {
  const store = memoryStore('files');
  await small().fit(good(), runInto(store, 'wasm', 2));
  return store;
});
const findFile = async (pattern: RegExp) =>
  (await (await runFiles()).list()).find((name) => pattern.test(name))!;
const readFile = async (pattern: RegExp) => (await (await runFiles()).read(await findFile(pattern)))!;
const WEIGHTS = /^best\/weights/;
const EVENTS = /^events\/train/;

/** Resumes the finished run, whose files were mutated, for `epochs` more epochs. */
async function resume(changes: { readonly [name: string]: Uint8Array }, engine: Engine, epochs: number) {
  const store = await copyStore(await runFiles(), changes);
  const model = small();
  try {
    await model.fit(good(), { ...runInto(store, engine, 2 + epochs), resume: true });
    return store;
  } finally {
    model.dispose();
  }
}

async function predictAndDispose(
  model: { predict(pixels: typeof image, options: { engine: Engine }): Promise<unknown>; dispose(): void },
  pixels: typeof image,
  engine: Engine,
): Promise<string> {
  try {
    return JSON.stringify(await model.predict(pixels, { engine }));
  } finally {
    model.dispose();
  }
}

/** Loads the model in `best/` and returns its prediction. */
async function predictBest(
  changes: { readonly [name: string]: Uint8Array },
  engine: Engine,
): Promise<string> {
  const model = await loadModel(await copyStore(await runFiles(), changes), { folder: 'best' });
  return predictAndDispose(model as never, image, engine);
}

const keras = fixture<{
  readonly shape: readonly [number, number, number];
  readonly faces: { readonly open: { readonly files: { readonly [kind: string]: string } } };
}>('files');
const unpackKeras = (kind: string) =>
  new Uint8Array(inflateSync(Buffer.from(keras.faces.open.files[kind]!, 'base64')));
const kerasMember = (name: string) => readZip(unpackKeras('keras'), 'face.keras')[name]!;
const withMember = (name: string) => (bytes: Uint8Array) =>
  writeZip({ ...readZip(unpackKeras('keras'), 'face.keras'), [name]: bytes });

async function readKeras(file: Uint8Array, engine: Engine): Promise<string> {
  const [height, width, channels] = keras.shape;
  const tasks = { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) };
  const model = await loadKeras(file, { name: 'face.file', tasks, range: [0, 255] });
  const pixels = { data: new Uint8Array(height * width * channels).fill(100), height, width, channels };
  return predictAndDispose(model as never, pixels, engine);
}

const hdf5 = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../parity/fixtures/${name}.h5`, import.meta.url)));
const countBytes = ({ groups, arrays }: Hdf5Group): number =>
  Object.values(arrays).reduce((sum, { data }) => sum + data.byteLength, 0) +
  Object.values(groups).reduce((sum, inner) => sum + countBytes(inner), 0);

function readGroup(file: Uint8Array): void {
  const bytes = countBytes(readHdf5(file, 'file.h5'));
  if (bytes > 2 ** 20) throw new Error(`a file of ${file.length} bytes was read as ${bytes} bytes`);
}

/** The checkpoint as JSON, in which the metadata are values too: `{ shapes, metadata }`. The numbers of the arrays are left out. */
async function unsealCheckpoint(): Promise<Uint8Array> {
  const { arrays, metadata } = await readSafetensors(await readFile(/^checkpoint/), 'checkpoint');
  const { sha256: _, format, ...values } = metadata;
  const shapes = Object.fromEntries(Object.entries(arrays).map(([name, { shape }]) => [name, shape]));
  const parsed = Object.fromEntries(Object.entries(values).map(([key, text]) => [key, JSON.parse(text)]));
  return encode(JSON.stringify({ shapes, metadata: { format, ...parsed } }));
}

/** Creates a checkpoint with a valid hash from mutated JSON of {@link unsealCheckpoint}. */
async function sealCheckpoint(json: Uint8Array): Promise<Uint8Array> {
  const { shapes, metadata } = JSON.parse(decode(json)) as {
    readonly shapes: { readonly [name: string]: number[] };
    readonly metadata: { readonly [name: string]: unknown };
  };
  const { arrays } = await readSafetensors(await readFile(/^checkpoint/), 'checkpoint');
  const resized = Object.entries(shapes).map(([name, shape]) => {
    const size = Array.isArray(shape) ? shape.reduce((product, side) => product * side, 1) : 0;
    const data = new Float32Array(size >= 0 && size < 1e5 ? size : 0);
    data.set(arrays[name]?.data.subarray(0, data.length) ?? []);
    return [name, { shape, data }] as const;
  });
  const texts = Object.entries(metadata).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return writeSafetensors({ arrays: Object.fromEntries(resized), metadata: Object.fromEntries(texts) });
}

function frozenModel() {
  const model = small();
  model.freeze('trunk_*');
  return model;
}

/** Trains a model whose frozen layers' features are in `store`. */
async function trainWithCache(store: Store): Promise<string> {
  const model = frozenModel();
  const { rows } = await model.fit(good(), { ...settings, epochs: 1, featureCache: store, clock: () => 0 });
  model.dispose();
  return JSON.stringify(rows);
}

const findCacheFile = memoize(async () => {
  const store = memoryStore();
  await trainWithCache(store);
  return (await store.list())[0]!;
});

const loadTools = memoize(loadReportTools);
const { images: _, ...runRecord } = createRun({ tasks: [AGE, GENDER, GRADE], images: 3, epochs: 3 });
const unfinishedRecord = encode(JSON.stringify({ ...runRecord, stopped: undefined, rows: [], answers: [] }));

async function drawRun(files: { readonly [name: string]: Uint8Array }): Promise<void> {
  const store = memoryStore('run');
  for (const [name, bytes] of Object.entries(files)) await store.write(name, bytes);
  const run = await readRunRecord(store);
  createReportPage([run], await loadTools());
  createModelCard(run);
}

export const plainStudy = study({
  space: space({ rate: float({ min: 1e-4, max: 1, scale: 'log' }), filters: choice([16, 32]) }),
  objectives: minimize('loss'),
  strategy: tpe(),
  pruner: medianPruner(),
  run: async () => {},
});

export function startSearch(trials: readonly TrialRecord<any>[]) {
  const { space: searched, objectives, strategy, pruner } = plainStudy;
  return askAndTell(searched, { objectives, strategy, pruner: pruner!, trials });
}

const studyFiles = memoize(async () => {
  const store = memoryStore('study');
  const records = await openStudyRecords(store, plainStudy, { library: '1', settings: {} });
  const search = startSearch([]);
  for (let i = 0; i < 4; i++) {
    const { number } = search.ask()!;
    for (const loss of [4, 3 + i]) search.report(number, { loss });
    await records.saveProgress(search.trials[i]!);
    if (i === 3) break;
    search.tell(number);
    await records.saveResult(search.trials[i]!);
  }
  return store;
});

function studyKind(file: string): FileKind {
  return {
    name: `study record ${file}`,
    isJson: true,
    create: async () => (await (await studyFiles()).read(file))!,
    read: async (bytes) => {
      const store = await copyStore(await studyFiles(), { [file]: bytes });
      const records = await openStudyRecords(store, plainStudy, { library: '1', settings: {} });
      const trials = await records.readTrials();
      resultsCsv(plainStudy, trials);
      resultsTable(plainStudy, trials);
      bestTrial(trials, plainStudy.objectives);
      startSearch(trials).ask();
    },
  };
}

const scratch = mkdtempSync(join(tmpdir(), 'mutated-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

function imageKind(format: 'jpeg' | 'png' | 'gif' | 'tiff' | 'webp' | 'avif', options = {}): FileKind {
  return {
    name: `${format} image ${JSON.stringify(options)}`,
    weight: 2,
    // PNG has a checksum for each part of the file.
    isChecksummed: format === 'png',
    create: () => {
      const random = createRng(1, 'noise');
      const side = 24;
      const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i % 97) + random.nextInt(60));
      const picture = sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
      return picture.toFormat(format, options).toBuffer();
    },
    read: async (bytes) => {
      const folder = join(scratch, String(folders++));
      mkdirSync(folder);
      try {
        writeFileSync(join(folder, `x.${format === 'jpeg' ? 'jpg' : format}`), bytes);
        const dataset = await imageFolder(folder, { labels: () => ({ labels: {} }), size: [24, 24] });
        return await sha256(new Uint8Array((await dataset.read(0)).data));
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

const LABELS = `file,age,gender,name\n${Array.from({ length: 20 }, (_, i) => `f${i}.jpg,${i},${i % 2 ? 'male' : 'female'},"a ""b"", ${i}"`).join('\n')}\n`;

export const FILE_KINDS: readonly FileKind[] = [
  {
    name: 'model.json',
    isJson: true,
    weight: 3,
    create: () => readFile(/^best\/model\.json/),
    read: (file, engine) => predictBest({ 'best/model.json': file }, engine),
  },
  {
    name: 'weights of a model folder',
    isChecksummed: true,
    create: () => readFile(WEIGHTS),
    read: async (file, engine) => predictBest({ [await findFile(WEIGHTS)]: file }, engine),
  },
  {
    name: '.keras file',
    isChecksummed: true,
    weight: 2,
    create: () => unpackKeras('keras'),
    read: readKeras,
  },
  {
    name: 'config.json of a .keras file',
    isJson: true,
    weight: 3,
    create: () => kerasMember('config.json'),
    read: (file, engine) => readKeras(withMember('config.json')(file), engine),
  },
  {
    name: 'metadata.json of a .keras file',
    isJson: true,
    create: () => kerasMember('metadata.json'),
    read: (file, engine) => readKeras(withMember('metadata.json')(file), engine),
  },
  {
    name: 'model.weights.h5 of a .keras file',
    weight: 2,
    create: () => kerasMember('model.weights.h5'),
    read: (file, engine) => readKeras(withMember('model.weights.h5')(file), engine),
  },
  { name: '.h5 file of Keras 3', weight: 2, create: () => unpackKeras('h5'), read: readKeras },
  { name: '.h5 file of Keras 2', weight: 2, create: () => unpackKeras('keras2.h5'), read: readKeras },
  {
    name: '.weights.h5 file',
    create: () => kerasMember('model.weights.h5'),
    read: (file) => readKerasWeights(file, 'face.weights.h5'),
  },
  { name: 'HDF5 file in the old layout', create: () => hdf5('hdf5_old'), read: readGroup },
  { name: 'HDF5 file in the new layout', create: () => hdf5('hdf5_new'), read: readGroup },
  {
    name: 'zip archive',
    isChecksummed: true,
    create: () => zipSync({ a: hdf5('hdf5_new'), 'b/c.json': encode('{"x": 1}'), d: new Uint8Array(5000) }),
    read: async (file) => {
      const members = Object.values(readZip(file, 'file.zip'));
      return (await Promise.all(members.map((member) => sha256(member)))).join();
    },
  },
  {
    name: 'checkpoint',
    isChecksummed: true,
    create: () => readFile(/^checkpoint/),
    read: async (file, engine) => {
      const store = await resume({ [CHECKPOINT_FILE]: file }, engine, 0);
      return decode((await store.read('history.jsonl'))!);
    },
  },
  {
    name: 'checkpoint with a new hash',
    isJson: true,
    weight: 2,
    create: unsealCheckpoint,
    read: async (file, engine) => {
      const sealed = await sealCheckpoint(file).catch(() => file);
      await resume({ [CHECKPOINT_FILE]: sealed }, engine, 1);
    },
  },
  {
    name: 'event file',
    create: () => readFile(EVENTS),
    read: async (file, engine) => void (await resume({ [await findFile(EVENTS)]: file }, engine, 0)),
  },
  {
    name: 'history.jsonl of a resumed run',
    isChecksummed: true, // It is written again.
    create: () => readFile(/^history\.jsonl/),
    read: async (file, engine) => {
      const store = await resume({ 'history.jsonl': file }, engine, 0);
      return decode((await store.read('history.jsonl'))!);
    },
  },
  {
    name: 'feature cache',
    isChecksummed: true,
    create: async () => {
      const store = memoryStore();
      await trainWithCache(store);
      return (await store.read((await store.list())[0]!))!;
    },
    read: async (file) => {
      const store = memoryStore();
      await store.write(await findCacheFile(), file);
      return trainWithCache(store);
    },
  },
  {
    name: 'run.json',
    isJson: true,
    weight: 2,
    create: () => encode(JSON.stringify(runRecord)),
    read: (file) => drawRun({ 'run.json': file }),
  },
  {
    name: 'history.csv of a run in progress',
    create: () => readFile(/^history\.csv/),
    read: (file) => drawRun({ 'run.json': unfinishedRecord, 'history.csv': file }),
  },
  studyKind('study.json'),
  studyKind('trials/0002/end.json'),
  studyKind('trials/0004/trial.json'),
  {
    name: 'lock file',
    isJson: true,
    create: () => encode(JSON.stringify({ host: 'x', pid: 4_194_305, thread: 0, started: '1', token: 'x' })),
    read: async (file) => {
      const store = folderStore(join(scratch, String(folders++)));
      await store.write('checkpoint.lock', file);
      await (await store.lock!('checkpoint'))();
    },
  },
  {
    name: 'CSV file with labels',
    weight: 2,
    create: () => encode(LABELS),
    read: (file) => {
      const columns = { age: { min: 0, max: 120 }, gender: ['male', 'female'], name: String } as const;
      const labels = csvLabels(decode(file), { columns });
      for (let i = 0; i < 20; i++) labels(`f${i}.jpg`);
    },
  },
  imageKind('jpeg'),
  imageKind('jpeg', { progressive: true }),
  imageKind('png'),
  imageKind('png', { palette: true, progressive: true }),
  imageKind('gif'),
  imageKind('tiff', { compression: 'deflate' }),
  imageKind('tiff', { compression: 'lzw', tile: true, tileWidth: 16, tileHeight: 16 }),
  imageKind('webp'),
  imageKind('webp', { lossless: true }),
  imageKind('avif', { effort: 0 }),
];
