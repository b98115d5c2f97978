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
  conv,
  createRng,
  csvLogger,
  flatten,
  gradCam,
  imagesInMemory,
  loadModel,
  memoryStore,
  multiTask,
  randomFlip,
  randomRotation,
  regression,
} from '../../src/entries/node.js';
import { createReportCommand } from '../../src/node/commands/report.js';
import { folderStore, recordRun, watchRun, writeReport } from '../../src/node/index.js';
import { createRunRecord, heatOverlay, readRunRecord, saveRunImages } from '../../src/report/index.js';
import { madeRun } from './runs.js';

const scratch = mkdtempSync(join(tmpdir(), 'runs-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const square = (value: number) => ({
  data: new Uint8Array(6 * 6 * 3).fill(value),
  height: 6,
  width: 6,
  channels: 3,
});
const images = imagesInMemory(
  Array.from({ length: 40 }, (_, i) => ({
    image: square(6 * i),
    // Every fifth has no side: a missing label is masked.
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
const said = {
  name: 'squares',
  datasetName: 'grey squares',
  train: train.augment([randomFlip('horizontal')]),
  validation,
};

/** A trained run in a folder, as a program leaves it. */
async function trained(folder: string) {
  const store = folderStore(join(scratch, folder));
  const history = await model.fit(said.train, {
    ...{ validation, epochs: 2, engine: 'wasm', seed: 3 },
    callbacks: [bestCheckpoint(store, { monitor: 'val_loss' }), csvLogger(store)],
  });
  const kept = await loadModel(store, { folder: 'best', tasks: model.tasks });
  return { store, history, kept };
}

test.each([
  ['min', 'val_light_mae'],
  ['max', 'val_light_mae'],
  ['max', 'val_light_loss'],
] as const)('the report tells of the epoch whose model was kept: the %s of %s', async (mode, monitor) => {
  const store = folderStore(join(scratch, `kept-${mode}-${monitor}`));
  const history = await model.fit(said.train, {
    ...{ validation, epochs: 4, engine: 'wasm', seed: 3 },
    callbacks: [bestCheckpoint(store, { monitor, mode })],
  });
  const values = history.rows.map((row) => row[monitor]!);
  const epoch = 1 + values.indexOf(mode === 'max' ? Math.max(...values) : Math.min(...values));
  const kept = await loadModel(store, { folder: 'best', tasks: model.tasks });
  const options = { ...said, history, images: false };
  const record = await recordRun(store, kept, options);
  expect(record).toMatchObject({ monitor, keptEpoch: epoch });
  const words = mode === 'max' ? 'was kept, by' : 'has the best';
  const path = await writeReport(join(scratch, `kept-${mode}-${monitor}`));
  expect(readFileSync(path, 'utf8')).toContain(`Epoch ${epoch} of 4 ${words} ${monitor}, `);
  const card = new TextDecoder().decode(await store.read('best/MODEL_CARD.md'));
  expect(card).toContain(`At epoch ${epoch} of 4, which ${mode === 'max' ? 'was kept by' : 'has the best'} `);
  // A column of the user's own, and rows of another run, are not what the note speaks of.
  expect(await recordRun(store, kept, { ...options, monitor: 'val_side_loss' })).not.toHaveProperty(
    'keptEpoch',
  );
  const rows = history.rows.map((row) => ({ ...row, [monitor]: row[monitor]! + 1 }));
  const other = await recordRun(store, kept, { ...options, history: { ...history, rows } });
  expect(other.monitor).toBe('val_loss');
  await store.write('best/kept.json', new TextEncoder().encode('{"monitor": '));
  expect((await recordRun(store, kept, options)).monitor).toBe('val_loss');
});

test('a picture named outside the folder is not shown, and the report is made', async () => {
  const store = folderStore(join(scratch, 'outside'));
  const { images: _, ...record } = madeRun();
  const pictures = [{ id: '0.jpg', file: '../secret.jpg' }];
  await store.write('run.json', new TextEncoder().encode(JSON.stringify({ ...record, pictures })));
  writeFileSync(join(scratch, 'secret.jpg'), new Uint8Array([0xff, 0xd8, 0xff]));
  expect((await readRunRecord(store)).images.size).toBe(0);
  expect(await writeReport(join(scratch, 'outside'))).toContain('report.html');
});

describe('a run', () => {
  test('is recorded with the answers of the model that was kept, and its page, figures and card follow', async () => {
    const { store, history, kept } = await trained('run');
    const record = await recordRun(store, kept, {
      ...said,
      history,
      seed: 3,
      groups: utkFaceGroups,
    });
    expect(record.answers.map(({ id }) => id)).toEqual(validation.ids);
    const logged = history.rows.reduce((best, row) => (row.val_loss! < best.val_loss! ? row : best));
    const errors = record.answers.map(({ labels, answers }) =>
      Math.abs((answers.light as number) - (labels.light as number)),
    );
    // The mean of float32 answers, where the log has one of batches in float32.
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length / logged.val_light_mae!).toBeCloseTo(
      1,
      4,
    );
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
    const light = ({ answers }: (typeof record.answers)[number]) => answers.light as number;
    const mean = record.answers.reduce((sum, answer) => sum + light(answer), 0) / record.answers.length;
    for (const { id, task, toward, image: file } of record.gradCams) {
      const image = await validation.read(validation.ids.indexOf(id));
      const answer = record.answers.find((one) => one.id === id)!;
      const heat =
        task === 'light'
          ? await gradCam(kept, image, { task: 'light', target: light(answer) < mean ? 'lower' : 'higher' })
          : await gradCam(kept, image, { task: 'side' });
      expect(toward).toBe(heat.target);
      const wanted = heatOverlay(image, heat);
      const shown = await sharp(await store.read(file))
        .raw()
        .toBuffer();
      const apart = wanted.data.reduce((sum, value, i) => sum + Math.abs(value - shown[i]!), 0);
      expect(apart / shown.length).toBeLessThan(15); // levels of 255, of a JPEG with halved colour
    }

    const path = await writeReport(join(scratch, 'run'));
    const page = readFileSync(path, 'utf8');
    expect(page.match(/<img src="data:image\/jpeg;base64,/g)!.length).toBe(page.match(/<img /g)!.length);
    expect(page.match(/<img /g)!.length).toBeGreaterThan(24);
    expect(page).toContain('Where it looked');
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
    kept.dispose();
  });

  test('has of each image the probability of each label, in the order of the labels', async () => {
    const { answers } = await createRunRecord(model, { ...said, history: { tasks: [], rows: [] } });
    const given = await model.predict(await Promise.all(validation.ids.map((_, i) => validation.read(i))));
    for (const [i, { answers: own }] of answers.entries()) {
      const { label, probability } = given[i]!.side;
      const [dark, bright] = own.side as readonly number[];
      expect(label === 'bright' ? bright : dark).toBeCloseTo(probability, 6); // float32
      expect(dark! + bright!).toBeCloseTo(1, 6);
      expect(own.light).toBeCloseTo(given[i]!.light, 3);
    }
  });

  test('shows of augmentation what the first epochs of its seed trained on', async () => {
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
    for (const [place, { files }] of augmented.entries()) {
      expect(await store.read(files[0]!)).toEqual((await noise.read(place)).data);
    }
    for (let epoch = 0; epoch < 5; epoch++) {
      const trained: string[] = [];
      for await (const { pixels } of iterateBatches(noise, { batchSize: 8, epoch, seed: 3, shuffle: true }))
        for (let i = 0; i < 8; i++)
          trained.push(String(Uint8Array.from(pixels.subarray(108 * i, 108 * (i + 1)), Math.round)));
      for (const { files } of augmented)
        expect(trained).toContain(String(await store.read(files[1 + epoch]!)));
    }
  });

  test('without pictures leaves none, and takes away those that were there', async () => {
    const { store, history, kept } = await trained('private');
    await recordRun(store, kept, { ...said, history });
    const before = (await store.list('pictures/')).length;
    expect(before).toBeGreaterThan(10);
    expect((await recordRun(store, kept, { ...said, history, gradCams: 0 })).gradCams).toEqual([]);
    expect((await store.list('pictures/')).length).toBe(before - 12);
    await store.write('pictures/mine.jpg', new Uint8Array([1]));
    await writeReport(join(scratch, 'private'), { images: false });
    expect(readFileSync(join(scratch, 'private/report.html'), 'utf8')).not.toContain('<img');
    await recordRun(store, kept, { ...said, history, images: false });
    expect(await store.list('pictures/')).toEqual(['pictures/mine.jpg']);
    expect(readFileSync(await writeReport(join(scratch, 'private')), 'utf8')).not.toContain('<img');
    kept.dispose();
  });

  test('belongs to groups by labels that are words when nothing else is said', async () => {
    const { answers, data } = await createRunRecord(model, { ...said, history: { tasks: [], rows: [] } });
    expect(new Set(answers.map(({ groups }) => groups.place))).toEqual(new Set(['left', 'right']));
    expect(data.train.groups.place!.reduce((sum, [, count]) => sum + count, 0)).toBe(train.size);
    expect(Object.keys(data.train.labels)).toEqual(['light', 'side']); // a group is no task
  });

  test('whose tasks have no feature map has no pictures of where they looked', async () => {
    const flat = multiTask({ input: [6, 6, 3], seed: 1 })
      .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
      .task('side', binary(['dark', 'bright']), branch([conv(4, 3), flatten()]))
      .build();
    const { gradCams } = await recordRun(memoryStore(), flat, { ...said, history: { tasks: [], rows: [] } });
    expect(gradCams.map(({ task }) => task)).toEqual(Array(6).fill('side'));
    flat.dispose();
  });

  test('that has not begun has no answers, and can be read and shown', async () => {
    const store = memoryStore('new');
    await recordRun(store, model, said);
    const run = await readRunRecord(store);
    expect(run).toMatchObject({ rows: [], answers: [] });
    expect(run.stopped).toBeUndefined();
  });
});

describe('the command', () => {
  const printed = async (...args: string[]) => {
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

  test('writes the page into the first folder and prints its path', async () => {
    for (const name of ['a', 'b']) {
      const { store, history, kept } = await trained(name);
      await recordRun(store, kept, { ...said, name, history });
      kept.dispose();
    }
    const folders = ['a', 'b'].map((name) => join(scratch, name));
    expect(await printed(...folders, '--no-images')).toEqual([join(folders[0]!, 'report.html')]);
    const page = readFileSync(join(folders[0]!, 'report.html'), 'utf8');
    expect(page).toContain('2 runs compared');
    expect(page).not.toContain('<img');
    const out = join(scratch, 'both');
    expect(await printed(...folders, '--no-images', '--out', out)).toEqual([join(out, 'report.html')]);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toBe(page);
    for (const folder of folders)
      expect(readFileSync(join(folder, 'best/MODEL_CARD.md'), 'utf8')).toContain('# ');
  });

  test('says which folder has no run, and that one is wanted', async () => {
    await expect(printed(join(scratch, 'nowhere'))).rejects.toMatchObject({
      kind: 'file',
      received: 'no such file',
    });
    await expect(printed()).rejects.toMatchObject({
      kind: 'argument',
      expected: 'at least one folder of a run',
    });
  });
});

test('what is watched is served to this machine under its own name alone', async () => {
  const store = folderStore(join(scratch, 'watched'));
  await recordRun(store, model, { ...said, images: false });
  const watch = await watchRun(join(scratch, 'watched'));
  const { port, hostname } = new URL(watch.url);
  expect(hostname).toBe('127.0.0.1');
  const ask = (options: { method?: string; path?: string; host?: string; address?: string }) =>
    new Promise<{ status: number; body: string; headers: object }>((resolve, reject) => {
      const headers = { host: options.host ?? `127.0.0.1:${port}` };
      const asked = request(
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
            .on('data', (part) => {
              body += part;
            })
            .on('end', () => resolve({ status: response.statusCode!, body, headers: response.headers }));
        },
      );
      asked.on('error', reject).end();
    });
  const page = await ask({});
  expect(page.status).toBe(200);
  expect(page.body).toContain('http-equiv="refresh"');
  expect(page.headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': "frame-ancestors 'none'",
  });
  // Of all addresses of the machine it listens at one: 127.0.0.2 would be answered by a server of all.
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = others.filter(({ internal, family }) => !internal && family === 'IPv4');
  for (const address of ['127.0.0.2', ...addresses.map((one) => one.address)])
    await expect(ask({ address })).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL|EHOSTUNREACH|ETIMEDOUT/);
  expect((await ask({ host: `localhost:${port}` })).status).toBe(200);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port}.evil.example`,
  ]) {
    expect(await ask({ host })).toMatchObject({ status: 403 });
  }
  expect((await ask({ path: '/run.json' })).status).toBe(404);
  expect((await ask({ path: '/../../etc/passwd' })).status).toBe(404);
  expect((await ask({ method: 'POST' })).status).toBe(405);
  await watch.close();
});
