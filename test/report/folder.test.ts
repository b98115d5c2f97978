import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { iterateBatches } from '../../src/data/batches.js';
import { utkFaceGroups } from '../../src/datasets/index.js';
import {
  bestCheckpoint,
  binary,
  branch,
  type Callback,
  conv,
  createRng,
  csvLogger,
  earlyStopping,
  flatten,
  gradCam,
  imagesInMemory,
  loadModel,
  type Metric,
  mae,
  memoryStore,
  multiTask,
  randomFlip,
  randomRotation,
  regression,
} from '../../src/entries/node.js';
import { createReportCommand } from '../../src/node/commands/report.js';
import { folderStore, recordRun, watchRun, writeReport } from '../../src/node/index.js';
import {
  createRunRecord,
  heatOverlay,
  type RunRecord,
  readRunRecord,
  saveRunImages,
} from '../../src/report/index.js';
import { createRun } from './createRun.js';

const scratch = mkdtempSync(join(tmpdir(), 'runs-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Creates an image of one gray level. */
const square = (value: number) => ({
  data: new Uint8Array(6 * 6 * 3).fill(value),
  height: 6,
  width: 6,
  channels: 3,
});
const images = imagesInMemory(
  Array.from({ length: 40 }, (_, i) => ({
    image: square(6 * i),
    // Every fifth image has no label `side`. Training masks a missing label.
    labels: {
      light: 6 * i,
      ...(i % 5 === 0 ? {} : { side: i < 20 ? ('dark' as const) : ('bright' as const) }),
      place: i % 2 ? 'left' : 'right',
    },
    id: `${i}_${i % 2}_2_20170116174525125.jpg`,
  })),
);
const { train, validation } = images.split({ validation: 0.5, seed: 7 });
const model = multiTask({ input: [6, 6, 3], seed: 1 })
  .task('light', regression({ unit: 'bytes' }), branch([conv(2, 3), flatten()]))
  .task('side', binary(['dark', 'bright']), branch([conv(4, 3), flatten()]))
  .build();
const runOptions = {
  name: 'squares',
  datasetName: 'gray squares',
  train: train.augment([randomFlip('horizontal')]),
  validation,
};

/** Trains a model, and returns the folder that contains the history and the best checkpoint. */
async function trainInFolder(folder: string) {
  const store = folderStore(join(scratch, folder));
  const history = await model.fit(runOptions.train, {
    ...{ validation, epochs: 2, engine: 'wasm', seed: 3 },
    callbacks: [bestCheckpoint(store, { monitor: 'val_loss' }), csvLogger(store)],
  });
  const best = await loadModel(store, { folder: 'best', tasks: model.tasks });
  return { store, history, best };
}

test.each([
  ['min', 'val_light_mae'],
  ['max', 'val_light_mae'],
  ['max', 'val_light_loss'],
] as const)(
  'recordRun and writeReport use the epoch that bestCheckpoint saved if its mode is %s and its monitor is %s',
  async (mode, monitor) => {
    const folder = join(scratch, `checkpoint-${mode}-${monitor}`);
    const store = folderStore(folder);
    const history = await model.fit(runOptions.train, {
      ...{ validation, epochs: 4, engine: 'wasm', seed: 3 },
      callbacks: [bestCheckpoint(store, { monitor, mode })],
    });
    const values = history.rows.map((row) => row[monitor]!);
    const epoch = 1 + values.indexOf(mode === 'max' ? Math.max(...values) : Math.min(...values));
    const best = await loadModel(store, { folder: 'best', tasks: model.tasks });
    const options = { ...runOptions, history, images: false };
    const record = await recordRun(store, best, options);
    expect(record).toMatchObject({ monitor, checkpointEpoch: epoch });
    const verb = mode === 'max' ? 'was chosen by' : 'has the best';
    const path = await writeReport(folder);
    expect(readFileSync(path, 'utf8')).toContain(`Epoch ${epoch} of 4 ${verb} ${monitor}, `);
    const card = new TextDecoder().decode(await store.read('best/MODEL_CARD.md'));
    expect(card).toContain(`Results of epoch ${epoch} of 4, which ${verb} `);
    // The epoch is that of the saved model, whatever column the report shows.
    expect(await recordRun(store, best, { ...options, monitor: 'val_side_loss' })).toMatchObject({
      monitor: 'val_side_loss',
      checkpointEpoch: epoch,
    });
    const rows = history.rows.map((row) => ({ ...row, [monitor]: row[monitor]! + 1 }));
    // The epoch in model.json is not used for the rows of a different run.
    const other = await recordRun(store, best, {
      ...options,
      history: { ...history, rows },
      overwrite: true,
    });
    expect(other.monitor).toBe('val_loss');
    await store.write('best/model.json', new TextEncoder().encode('{"userDefinedMetadata": '));
    expect((await recordRun(store, best, { ...options, overwrite: true })).monitor).toBe('val_loss');
  },
);

describe('recordRun straight after fit', () => {
  const options = { validation, engine: 'wasm', seed: 3, batchSize: 5 } as const;
  /** Trains a new model, and returns it with its history. */
  const trainModel = async (callbacks: readonly Callback<any>[], more: object = {}) => {
    const trained = multiTask({ input: [6, 6, 3], seed: 1 })
      .task('light', regression({ unit: 'bytes' }), branch([conv(2, 3), flatten()]))
      .task('side', binary(['dark', 'bright']), branch([conv(4, 3), flatten()]))
      .build();
    const history = await trained.fit(runOptions.train, { ...options, epochs: 4, callbacks, ...more });
    return { trained, history };
  };
  /** Returns the mean absolute error of the predictions for `light` in a record. */
  const computeError = ({ answers }: RunRecord) =>
    answers.reduce(
      (sum, { labels, answers: { light } }) => sum + Math.abs((light as number) - (labels.light as number)),
      0,
    ) / answers.length;
  const maeOf = (record: RunRecord, epoch: number) => record.rows[epoch - 1]!.val_light_mae!;
  // With the mode max, the worst epoch is "the best": the first, because the loss falls.
  const worst = { monitor: 'val_light_mae', mode: 'max' } as const;

  test('records the predictions of the saved model of the best epoch, with its metrics', async () => {
    const store = memoryStore();
    const { trained, history } = await trainModel([bestCheckpoint(store, worst)]);
    const last = trained.layersModel.getWeights().map((weight) => weight.dataSync().join());
    const record = await recordRun(store, trained, { ...runOptions, history, images: false });
    expect(record.checkpointEpoch).toBeLessThan(4);
    expect(computeError(record) / maeOf(record, record.checkpointEpoch!)).toBeCloseTo(1, 4);
    const best = await loadModel(store, { folder: 'best', tasks: trained.tasks });
    expect(record.answers).toEqual(
      (await recordRun(store, best, { ...runOptions, history, images: false })).answers,
    );
    // The trained model keeps the weights of its last epoch.
    expect(trained.layersModel.getWeights().map((weight) => weight.dataSync().join())).toEqual(last);
    for (const each of [trained, best]) each.dispose();
  });

  test('is rejected if the saved model of the best epoch is incomplete', async () => {
    const store = memoryStore('run');
    const { trained, history } = await trainModel([bestCheckpoint(store, worst)]);
    const [weights] = await store.list('best/weights.');
    await store.remove(weights!);
    const record = recordRun(store, trained, { ...runOptions, history, images: false });
    await expect(record).rejects.toMatchObject({
      kind: 'file',
      path: 'run/best',
      expected: expect.stringMatching(/^the model of epoch [123], whose metrics the record contains$/),
      advice: expect.stringContaining('best/model.json'),
    });
    trained.dispose();
  });

  test('records the metrics of the last epoch if no best model was saved, and the report states it', async () => {
    const folder = join(scratch, 'last');
    const store = folderStore(folder);
    const { trained, history } = await trainModel([]);
    const record = await recordRun(store, trained, {
      ...runOptions,
      history,
      images: false,
      monitor: 'light_mae',
    });
    expect(record.checkpointEpoch).toBe(4);
    expect(computeError(record) / maeOf(record, 4)).toBeCloseTo(1, 4);
    expect(record.isFinalModel).toBe(true);
    const rows = record.rows.map((row) => ({ ...row, val_loss: row.epoch }));
    const lastIsWorst = { ...record, monitor: 'val_loss', rows };
    await store.write('run.json', new TextEncoder().encode(JSON.stringify(lastIsWorst)));
    expect(readFileSync(await writeReport(folder), 'utf8')).toContain(
      'Epoch 4 of 4 is the end of the run, with the val_loss',
    );
    trained.dispose();
  });

  test('records the metrics of the epoch that earlyStopping restored, also in a resumed run', async () => {
    const checkpoint = memoryStore();
    const stop = [earlyStopping({ ...worst, patience: 9, restoreBestWeights: true })];
    const { trained, history } = await trainModel(stop);
    const record = await createRunRecord(trained, { ...runOptions, history });
    expect(record.checkpointEpoch).toBeLessThan(4);
    expect(computeError(record) / maeOf(record, record.checkpointEpoch!)).toBeCloseTo(1, 4);
    const first = await trainModel(stop, { epochs: 3, checkpoint });
    const resumed = await trainModel(stop, { checkpoint, resume: true });
    const again = await createRunRecord(resumed.trained, { ...runOptions, history: resumed.history });
    expect(again.checkpointEpoch).toBe(record.checkpointEpoch);
    expect(computeError(again) / maeOf(again, again.checkpointEpoch!)).toBeCloseTo(1, 4);
    for (const each of [trained, first.trained, resumed.trained]) each.dispose();
  });

  test('is rejected for the epoch of another model, and for a run that was stopped within an epoch', async () => {
    const { trained, history } = await trainModel([]);
    const record = (other: object) => createRunRecord(trained, { ...runOptions, history, ...other });
    await expect(record({ checkpointEpoch: 2 })).rejects.toMatchObject({
      kind: 'argument',
      expected: 'the model of epoch 2',
      received: 'the model of epoch 4',
    });
    expect(
      (await record({ checkpointEpoch: 4, history: JSON.parse(JSON.stringify(history)) })).checkpointEpoch,
    ).toBe(4);
    const stop = new AbortController();
    const abort = {
      name: 'abort',
      onBatchEnd: ({ epoch }: { epoch: number }) => void (epoch === 2 && stop.abort()),
    };
    const stopped = await trainModel([abort], { signal: stop.signal });
    await expect(
      createRunRecord(stopped.trained, { ...runOptions, history: stopped.history }),
    ).rejects.toMatchObject({
      received: 'a model whose training was stopped within an epoch',
    });
    for (const each of [trained, stopped.trained]) each.dispose();
  });

  test('uses the mode of a metric to find the best epoch of a model that was loaded', async () => {
    const within: Metric = { ...mae(), name: 'within', mode: 'max' };
    const tasks = { light: regression({ unit: 'bytes', metrics: [within] }) };
    const plain = multiTask({ input: [6, 6, 3], seed: 1 })
      .task('light', tasks.light, branch([flatten()]))
      .build();
    const rows = [1, 2, 3].map((epoch) => ({
      epoch,
      val_loss: epoch,
      val_light_within: [2, 9, 1][epoch - 1]!,
    }));
    const record = await createRunRecord(plain, {
      ...runOptions,
      history: { tasks: [], rows },
      monitor: 'val_light_within',
    });
    expect(record.checkpointEpoch).toBe(2);
    plain.dispose();
  });

  test('is rejected if the store has the record of another run, unless overwrite is true', async () => {
    const store = memoryStore('run');
    const { trained, history } = await trainModel([]);
    const options = { ...runOptions, history, images: false };
    await recordRun(store, trained, { ...runOptions, images: false });
    await recordRun(store, trained, { ...options, name: 'first' });
    await recordRun(store, trained, { ...options, name: 'again' });
    const longer = { ...history, rows: [...history.rows, { ...history.rows[3]!, epoch: 5 }] };
    await recordRun(store, trained, { ...options, history: longer });
    const other = { ...history, rows: history.rows.map((row) => ({ ...row, seconds: 9 })) };
    const before = await store.read('run.json');
    for (const refused of [{ ...options, history: other }, options, { ...runOptions, images: false }]) {
      await expect(recordRun(store, trained, refused)).rejects.toMatchObject({
        kind: 'file',
        path: 'run/run.json',
        received: 'the record of a run of 5 epochs',
        advice: 'Pass overwrite: true to recordRun() to replace it, or choose another folder.',
      });
    }
    expect(await store.read('run.json')).toEqual(before);
    await recordRun(store, trained, { ...options, history: other, overwrite: true });
    await store.write('run.json', new TextEncoder().encode('print("mine")'));
    await expect(recordRun(store, trained, options)).rejects.toMatchObject({
      received: 'a file that is not the record of a run',
    });
    trained.dispose();
  });
});

test('writeReport replaces no page of a run that is not in the report, and writes no model card for the model of another run', async () => {
  const { store, history, best } = await trainInFolder('reported');
  await recordRun(store, best, { ...runOptions, history, images: false });
  const other = folderStore(join(scratch, 'unreported'));
  await recordRun(other, best, { ...runOptions, history, images: false });
  await other.write('report.html', new Uint8Array([1]));
  const [reported, unreported] = ['reported', 'unreported'].map((name) => join(scratch, name)) as [
    string,
    string,
  ];
  await expect(writeReport(reported, { out: unreported })).rejects.toMatchObject({
    kind: 'file',
    path: join(unreported, 'run.json'),
    received: 'the folder of another run',
  });
  expect(await other.read('report.html')).toEqual(new Uint8Array([1]));
  await writeReport(reported, { out: `${reported}/` });
  expect(await store.read('best/MODEL_CARD.md')).toBeDefined();

  await store.remove('best/MODEL_CARD.md');
  await model.fit(runOptions.train, {
    ...{ validation, epochs: 1, engine: 'wasm', seed: 4, overwrite: true },
    callbacks: [bestCheckpoint(store)],
  });
  await writeReport(reported);
  expect(await store.read('best/MODEL_CARD.md')).toBeUndefined();
  best.dispose();
});

test('readRunRecord and writeReport ignore an image file outside the run folder', async () => {
  const store = folderStore(join(scratch, 'outside'));
  const { images: _, ...record } = createRun();
  const pictures = [{ id: '0.jpg', file: '../secret.jpg' }];
  await store.write('run.json', new TextEncoder().encode(JSON.stringify({ ...record, pictures })));
  writeFileSync(join(scratch, 'secret.jpg'), new Uint8Array([0xff, 0xd8, 0xff]));
  expect((await readRunRecord(store)).images.size).toBe(0);
  expect(await writeReport(join(scratch, 'outside'))).toContain('report.html');
});

describe('a recorded run', () => {
  test('contains the predictions and Grad-CAM images of the model, and writeReport writes its page, figures and model card', async () => {
    const { store, history, best } = await trainInFolder('run');
    const record = await recordRun(store, best, {
      ...runOptions,
      history,
      seed: 3,
      groups: utkFaceGroups,
    });
    expect(record.answers.map(({ id }) => id)).toEqual(validation.ids);
    const bestRow = history.rows.reduce((a, b) => (b.val_loss! < a.val_loss! ? b : a));
    const errors = record.answers.map(({ labels, answers }) =>
      Math.abs((answers.light as number) - (labels.light as number)),
    );
    // The history contains the mean over the batches in float32.
    expect(
      errors.reduce((sum, error) => sum + error, 0) / errors.length / bestRow.val_light_mae!,
    ).toBeCloseTo(1, 4);
    expect(
      record.answers
        .filter(({ labels }) => labels.side === undefined)
        .map(({ labels }) => (labels.light as number) % 30),
    ).toEqual(expect.arrayContaining([0]));
    expect(record.answers[0]!.groups).toEqual({ sex: expect.stringMatching(/^(fe)?male$/), race: 'asian' });
    expect(record.answers.every(({ answers }) => (answers.side as number[]).length === 2)).toBe(true);
    expect(record.versions).toMatchObject({
      'tfjs-multitask': expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: process.versions.node,
    });
    expect(record.augmented).toHaveLength(4);
    expect(record.augmented[0]!.files).toHaveLength(6);
    expect(record.gradCams.map(({ task }) => task)).toEqual([
      ...Array(6).fill('light'),
      ...Array(6).fill('side'),
    ]);
    const getLight = ({ answers }: (typeof record.answers)[number]) => answers.light as number;
    const mean = record.answers.reduce((sum, answer) => sum + getLight(answer), 0) / record.answers.length;
    for (const { id, task, toward, image: file } of record.gradCams) {
      const image = await validation.read(validation.ids.indexOf(id));
      const answer = record.answers.find((candidate) => candidate.id === id)!;
      const heat =
        task === 'light'
          ? await gradCam(best, image, {
              task: 'light',
              target: getLight(answer) < mean ? 'lower' : 'higher',
            })
          : await gradCam(best, image, { task: 'side' });
      expect(toward).toBe(heat.target);
      const expected = heatOverlay(image, heat);
      const saved = await sharp(await store.read(file))
        .raw()
        .toBuffer();
      const difference = expected.data.reduce((sum, value, i) => sum + Math.abs(value - saved[i]!), 0);
      // Mean difference in levels from 0 to 255. The JPEG file has half the color resolution.
      expect(difference / saved.length).toBeLessThan(15);
    }

    const path = await writeReport(join(scratch, 'run'));
    const page = readFileSync(path, 'utf8');
    expect(page.match(/<img src="data:image\/jpeg;base64,/g)!.length).toBe(page.match(/<img /g)!.length);
    expect(page.match(/<img /g)!.length).toBeGreaterThan(24);
    expect(page).toContain('Grad-CAM');
    const files = await store.list();
    for (const name of [
      'figures/light-predicted.svg',
      'figures/side-confusion.png',
      'best/MODEL_CARD.md',
      'report.html',
    ])
      expect(files).toContain(name);
    await store.write('best/MODEL_CARD.md', new TextEncoder().encode('# My own card\n'));
    await writeReport(join(scratch, 'run'));
    expect(new TextDecoder().decode(await store.read('best/MODEL_CARD.md'))).toBe('# My own card\n');
    best.dispose();
  });

  test('contains the probabilities of all labels for each image, in the order of the labels', async () => {
    const { answers } = await createRunRecord(model, { ...runOptions, history: { tasks: [], rows: [] } });
    const predictions = await model.predict(
      await Promise.all(validation.ids.map((_, i) => validation.read(i))),
    );
    for (const [i, answer] of answers.entries()) {
      const { label, probability } = predictions[i]!.side;
      const [dark, bright] = answer.answers.side as readonly number[];
      expect(label === 'bright' ? bright : dark).toBeCloseTo(probability, 6); // float32
      expect(dark! + bright!).toBeCloseTo(1, 6);
      expect(answer.answers.light).toBeCloseTo(predictions[i]!.light, 3);
    }
  });

  test('contains the augmented images of the first epochs, identical to those that training reads', async () => {
    const random = createRng(4, 'noise');
    const noise = imagesInMemory(
      Array.from({ length: 8 }, (_, light) => ({
        image: { ...square(0), data: Uint8Array.from({ length: 6 * 6 * 3 }, () => random.nextInt(256)) },
        labels: { light, side: 'dark' as const },
      })),
    ).augment([randomRotation({ degrees: 90 }), randomFlip('horizontal')]);
    const store = memoryStore();
    const record = await createRunRecord(model, { name: 'noise', datasetName: 'noise', train: noise });
    const encode = async ({ data }: { data: Uint8Array }) => data;
    const { augmented } = await saveRunImages(record, store, { train: noise, encode, seed: 3 });
    expect(augmented).toHaveLength(4);
    for (const [i, { files }] of augmented.entries()) {
      expect(await store.read(files[0]!)).toEqual((await noise.read(i)).data);
    }
    for (let epoch = 0; epoch < 5; epoch++) {
      const trainingImages: string[] = [];
      for await (const { pixels } of iterateBatches(noise, { batchSize: 8, epoch, seed: 3, shuffle: true }))
        for (let i = 0; i < 8; i++)
          trainingImages.push(String(Uint8Array.from(pixels.subarray(108 * i, 108 * (i + 1)), Math.round)));
      for (const { files } of augmented)
        expect(trainingImages).toContain(String(await store.read(files[1 + epoch]!)));
    }
  });

  test('contains no images if `images` is false, and recordRun removes the images of an earlier record', async () => {
    const { store, history, best } = await trainInFolder('private');
    await recordRun(store, best, { ...runOptions, history });
    const fileCount = (await store.list('pictures/')).length;
    expect(fileCount).toBeGreaterThan(10);
    expect((await recordRun(store, best, { ...runOptions, history, gradCams: 0 })).gradCams).toEqual([]);
    expect((await store.list('pictures/')).length).toBe(fileCount - 12);
    await store.write('pictures/mine.jpg', new Uint8Array([1]));
    await writeReport(join(scratch, 'private'), { images: false });
    expect(readFileSync(join(scratch, 'private/report.html'), 'utf8')).not.toContain('<img');
    await recordRun(store, best, { ...runOptions, history, images: false });
    expect(await store.list('pictures/')).toEqual(['pictures/mine.jpg']);
    expect(readFileSync(await writeReport(join(scratch, 'private')), 'utf8')).not.toContain('<img');
    best.dispose();
  });

  test('and all its images remain unchanged if a later call to recordRun fails at any write', async () => {
    const { store: folder, history, best } = await trainInFolder('interrupted');
    const store = memoryStore();
    for (const name of await folder.list('best/')) await store.write(name, (await folder.read(name))!);
    const options = { ...runOptions, history, gradCams: 1 };
    const record = await recordRun(store, best, options);
    const files = await store.list();
    const before = await Promise.all(files.map((name) => store.read(name)));
    const later = { ...options, train: train.augment([randomFlip('horizontal')]), gradCams: 2 };
    let failures = 0;
    for (let failing = 1; ; failing += 5) {
      let writes = 0;
      const write = async (name: string, bytes: Uint8Array) => {
        if (++writes >= failing) throw new Error('a full disk');
        return store.write(name, bytes);
      };
      const error = await recordRun({ ...store, write }, best, later).catch((caught: Error) => caught);
      if (!(error instanceof Error)) break;
      failures++;
      expect(await store.list()).toEqual(files);
      expect(await Promise.all(files.map((name) => store.read(name)))).toEqual(before);
      expect((await readRunRecord(store)).images.size).toBeGreaterThan(0);
    }
    expect(failures).toBeGreaterThan(3);
    // The record that was written at last has its own images only.
    const { images } = await readRunRecord(store);
    expect((await store.list('pictures/')).sort()).toEqual([...images.keys()].sort());
    expect(record.pictures.length).toBeGreaterThan(0);
  });

  test('groups its images by their string labels by default', async () => {
    const { answers, data } = await createRunRecord(model, {
      ...runOptions,
      history: { tasks: [], rows: [] },
    });
    expect(new Set(answers.map(({ groups }) => groups.place))).toEqual(new Set(['left', 'right']));
    expect(data.train.groups.place!.reduce((sum, [, count]) => sum + count, 0)).toBe(train.size);
    expect(Object.keys(data.train.labels)).toEqual(['light', 'side']); // Groups are not tasks.
  });

  test('contains no Grad-CAM images for a task without a feature map', async () => {
    const flat = multiTask({ input: [6, 6, 3], seed: 1 })
      .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
      .task('side', binary(['dark', 'bright']), branch([conv(4, 3), flatten()]))
      .build();
    const { gradCams } = await recordRun(memoryStore(), flat, {
      ...runOptions,
      history: { tasks: [], rows: [] },
    });
    expect(gradCams.map(({ task }) => task)).toEqual(Array(6).fill('side'));
    flat.dispose();
  });

  test('contains no predictions if recordRun is called without a history', async () => {
    const store = memoryStore('new');
    await recordRun(store, model, runOptions);
    const run = await readRunRecord(store);
    expect(run).toMatchObject({ rows: [], answers: [] });
    expect(run.stopped).toBeUndefined();
  });
});

describe('the command `tfjs-multitask report`', () => {
  /** Runs the command, and returns the lines that it prints. */
  const runCommand = async (...args: string[]) => {
    const lines: string[] = [];
    const log = console.log;
    console.log = (line) => void lines.push(line);
    try {
      await createReportCommand().parseAsync(args, { from: 'user' });
    } finally {
      console.log = log;
    }
    return lines;
  };

  test('writes the page to the first run folder or to --out, and prints the path of the page', async () => {
    for (const name of ['a', 'b']) {
      const { store, history, best } = await trainInFolder(name);
      await recordRun(store, best, { ...runOptions, name, history });
      best.dispose();
    }
    const folders = ['a', 'b'].map((name) => join(scratch, name));
    expect(await runCommand(...folders, '--no-images')).toEqual([join(folders[0]!, 'report.html')]);
    const page = readFileSync(join(folders[0]!, 'report.html'), 'utf8');
    expect(page).toContain('Comparison of 2 runs');
    expect(page).not.toContain('<img');
    const out = join(scratch, 'both');
    expect(await runCommand(...folders, '--no-images', '--out', out)).toEqual([join(out, 'report.html')]);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toBe(page);
    for (const folder of folders)
      expect(readFileSync(join(folder, 'best/MODEL_CARD.md'), 'utf8')).toContain('# ');
  });

  test('rejects a folder without a run, and a command line without folders', async () => {
    await expect(runCommand(join(scratch, 'nowhere'))).rejects.toMatchObject({
      kind: 'file',
      received: 'a file that does not exist',
    });
    await expect(runCommand()).rejects.toMatchObject({
      kind: 'argument',
      expected: 'the folder of at least one run',
    });
  });
});

test('watchRun serves the page only to this machine, and only under the host names of this machine', async () => {
  const store = folderStore(join(scratch, 'watched'));
  await recordRun(store, model, { ...runOptions, images: false });
  const watch = await watchRun(join(scratch, 'watched'));
  const { port, hostname } = new URL(watch.url);
  expect(hostname).toBe('127.0.0.1');
  const send = (options: { method?: string; path?: string; host?: string; address?: string }) =>
    new Promise<{ status: number; body: string; headers: object }>((resolve, reject) => {
      const headers = { host: options.host ?? `127.0.0.1:${port}` };
      const clientRequest = request(
        {
          host: options.address ?? '127.0.0.1',
          port,
          method: options.method ?? 'GET',
          path: options.path ?? '/',
          headers,
        },
        (response) => {
          let body = '';
          response
            .on('data', (chunk) => {
              body += chunk;
            })
            .on('end', () => resolve({ status: response.statusCode!, body, headers: response.headers }));
        },
      );
      clientRequest.on('error', reject).end();
    });
  const page = await send({});
  expect(page.status).toBe(200);
  expect(page.body).toContain('http-equiv="refresh"');
  expect(page.headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': "frame-ancestors 'none'",
  });
  // The server listens only on 127.0.0.1. A server that listens on all addresses would also respond on 127.0.0.2.
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const external = interfaces.filter(({ internal, family }) => !internal && family === 'IPv4');
  for (const address of ['127.0.0.2', ...external.map((entry) => entry.address)])
    await expect(send({ address })).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL|EHOSTUNREACH|ETIMEDOUT/);
  expect((await send({ host: `localhost:${port}` })).status).toBe(200);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port}.evil.example`,
  ]) {
    expect(await send({ host })).toMatchObject({ status: 403 });
  }
  expect((await send({ path: '/run.json' })).status).toBe(404);
  expect((await send({ path: '/../../etc/passwd' })).status).toBe(404);
  expect((await send({ method: 'POST' })).status).toBe(405);
  await watch.close();
});
