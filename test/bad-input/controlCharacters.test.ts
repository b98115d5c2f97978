import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, test } from 'vitest';
import { createError } from '../../src/core/errors/errors.js';
import { shortenPaths } from '../../src/core/shortenPaths.js';
import {
  branch,
  categorical,
  csvLabels,
  csvLogger,
  flatten,
  imagesInMemory,
  loadModel,
  memoryStore,
  multiTask,
  progressBar,
  regression,
} from '../../src/entries/node.js';
import { folderStore, imageFolder, recordRun, writeReport } from '../../src/node/index.js';
import { shortenIds } from '../../src/recording/shortenIds.js';
import { choice, minimize, random, resultsTable, space } from '../../src/tuner/index.js';
import { catchError } from './catchError.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const top = mkdtempSync(join(tmpdir(), 'control-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** Clears the terminal, starts another line, and changes the order of the letters after it. */
const HOSTILE = 'a\u001b[2J\n\r\u009b31m\u202egpj\u2028b';
/** All control characters except the line break, and the marks that change the order of letters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for control characters
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

const gray = (value: number) => ({ data: new Uint8Array(192).fill(value), height: 8, width: 8, channels: 3 });
const images = () =>
  imagesInMemory([10, 90, 170, 250].map((light) => ({ image: gray(light), labels: { light } })));
const build = () =>
  multiTask({ input: [8, 8, 3] })
    .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
    .build();

describe('an error', () => {
  test('contains no control characters, wherever the names of files and labels appear in it', async () => {
    const folder = join(top, 'images');
    mkdirSync(folder);
    writeFileSync(join(folder, `${HOSTILE}.jpg`), 'no image');
    const options = { labels: () => ({ labels: {} }), size: [8, 8] } as const;
    const errors = [
      createError({
        kind: 'data',
        path: HOSTILE,
        expected: HOSTILE,
        received: HOSTILE,
        advice: `X${HOSTILE}.`,
      }),
      await catchError(() => imageFolder(folder, options)),
      await catchError(() => imageFolder(join(top, HOSTILE), options)),
      await catchError(() => imageFolder(folder, { ...options, unusableFiles: 'skip' })),
      await catchError(() => csvLabels(`file,"${HOSTILE}"\n`, { columns: { age: Number } })),
      await catchError(() =>
        csvLabels(`file,age\n"${HOSTILE}",1\n"${HOSTILE}",1\n`, { columns: { age: Number } }),
      ),
      await catchError(() => csvLabels(`file,age\na,"${HOSTILE}"\n`, { columns: { age: Number } })),
      await catchError(() => categorical([HOSTILE, HOSTILE])),
      await catchError(() => build().predict(`${HOSTILE}.jpg`, { engine: 'wasm' })),
      await catchError(() => loadModel(folderStore(join(top, HOSTILE)))),
      await catchError(() =>
        multiTask({ input: [8, 8, 3] }).task(
          HOSTILE as never,
          regression({ unit: 'm' }),
          branch([flatten()]),
        ),
      ),
    ];
    for (const error of errors) {
      expect(error.message).not.toMatch(CONTROLS);
      expect(error.message).not.toContain('\n');
      expect(error.path).not.toMatch(CONTROLS);
    }
    expect(errors[0]!.message).toContain(String.raw`a\u001b[2J\n\r\u009b31m\u202egpj\u2028b`);
  });

  test('keeps the lines of the output of another program, without control characters', () => {
    const error = createError({ kind: 'engine', path: 'a', expected: 'b', received: 'c\n\u001b[1md\n' });
    expect(error.received).toBe('c\n\\u001b[1md\n');
  });
});

describe('printed text', () => {
  test('contains no control characters of parameters and reasons of failed trials', () => {
    const study = {
      space: space({ kind: choice([HOSTILE, 'b']) }),
      objectives: minimize(`val_${HOSTILE}`),
      strategy: random(),
    };
    const trial = {
      number: 1,
      state: 'failed',
      params: { kind: HOSTILE },
      rows: [],
      after: [],
      reason: HOSTILE,
    } as never;
    expect(resultsTable(study, [trial])).not.toMatch(CONTROLS);
  });

  test('contains no control characters of the names of metrics', async () => {
    const perExample = (prediction: tf.Tensor2D) => tf.mean(prediction, -1) as tf.Tensor1D;
    const metric = { name: `m${HOSTILE}`, mode: 'min', weighted: false, perExample } as const;
    const store = memoryStore();
    const model = multiTask({ input: [8, 8, 3] })
      .task('light', regression({ unit: 'bytes', metrics: [metric] }), branch([flatten()]))
      .build();
    const texts: string[] = [];
    const bar = progressBar({ write: (text: string) => void texts.push(text) } as never);
    await model.fit(images(), { epochs: 1, engine: 'wasm', callbacks: [bar, csvLogger(store)] });
    texts.push(new TextDecoder().decode(await store.read('history.csv')));
    expect(texts.join('')).not.toMatch(CONTROLS);
  });

  test('of the command line contains no control characters of its arguments', () => {
    const cli = ['--import', 'tsx', 'src/node/cli.ts'];
    for (const args of [
      ['report', join(top, HOSTILE)],
      ['results', '--folder', join(top, HOSTILE), 'study.js'],
      [HOSTILE],
      ['report', `--${HOSTILE}`],
    ]) {
      const { stdout, stderr, status } = spawnSync(process.execPath, [...cli, ...args], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      expect(status).not.toBe(0);
      expect(stdout + stderr).not.toMatch(CONTROLS);
      expect(stdout + stderr).toContain(String.raw`\u001b[2J`);
    }
  });

  test('of the command line always passes through one function', () => {
    for (const command of ['report', 'results', 'trial', 'worker', 'search', 'buildNative'])
      expect(readFileSync(join(ROOT, `src/node/commands/${command}.ts`), 'utf8')).not.toContain('console.');
  });
});

describe('the record and the report of a run', () => {
  test('contain the names of files in place of absolute paths', async () => {
    const folder = join(top, 'jane.doe', 'run');
    const store = folderStore(folder);
    const faces = imagesInMemory(
      ['a/1', 'a/2', 'b/1', 'b/2'].map((name, i) => ({
        id: join(top, 'jane.doe', 'faces', name),
        image: gray(40 * i),
        labels: { light: i },
      })),
    );
    const { train, validation } = faces.split({ validation: 0.5, by: 'last' });
    const model = build();
    const history = await model.fit(train, { validation, epochs: 1, engine: 'wasm' });
    const record = await recordRun(store, model, {
      name: join(folder, 'a run'),
      datasetName: join(top, 'jane.doe', 'my faces'),
      remarks: [`The images of ${folder}/faces were resized.`],
      arguments: {
        data: `${top}/jane.doe/my faces`,
        url: 'https://example.org/jane/faces',
        files: [`file://${folder}/a.csv`],
      },
      train,
      validation,
      history,
      images: false,
      gradCams: 0,
    });
    expect(record.arguments).toEqual({
      data: 'my faces',
      url: 'https://example.org/jane/faces',
      files: ['a.csv'],
    });
    expect(record.answers.map(({ id }) => id)).toEqual(['1', '2']);
    expect(record.remarks).toEqual(['The images of faces were resized.']);
    expect([record.name, record.data.name]).toEqual(['a run', 'my faces']);
    await model.save(store, 'best'); // The report writes the model card into this folder.
    await writeReport(folder);
    for (const name of await store.list()) {
      const text = new TextDecoder('latin1').decode(await store.read(name));
      expect(text).not.toContain('jane.doe');
      expect(text).not.toContain(top);
    }
    expect(await store.list()).toContain('best/MODEL_CARD.md');
  });

  test('contain what is below a common folder of the images, or the names of their files', async () => {
    const shorten = (...ids: readonly string[]) => {
      const answers = ids.map((id) => ({ id, labels: {}, answers: {}, groups: {} }));
      const record = { answers, pictures: [], augmented: [], gradCams: [] };
      return shortenIds(record as never).answers.map(({ id }) => id);
    };
    expect(shorten('/home/jane/x/1.jpg', '/mnt/data/y/2.jpg')).toEqual(['1.jpg', '2.jpg']);
    expect(shorten('/home/jane/x/1.jpg', '/home/bob/y/2.jpg')).toEqual(['1.jpg', '2.jpg']);
    expect(shorten('/home/jane/x/1.jpg', '/home/jane/y/2.jpg', 'z/3.jpg')).toEqual([
      'x/1.jpg',
      'y/2.jpg',
      'z/3.jpg',
    ]);
    expect(shorten('/home/jane/x/a\n1.jpg', '/home/jane/x/2.jpg')).toEqual(['a\n1.jpg', '2.jpg']);
    expect(shorten('C:\\Users\\jane\\x\\1.jpg', 'D:\\faces\\2.jpg')).toEqual(['1.jpg', '2.jpg']);
    expect(shorten('file:///home/jane/1.jpg', '\\\\server\\share\\jane\\2.jpg')).toEqual(['1.jpg', '2.jpg']);
    expect(shorten('/a.jpg', '/home/b.jpg', '/home/jane/c.jpg')).toEqual(['a.jpg', 'b.jpg', 'c.jpg']);
    expect(shorten('/home/jane/1.jpg', '/home/bob/1.jpg', '1.jpg')).toEqual(['2/1.jpg', '3/1.jpg', '1.jpg']);
  });

  test('contain no folders and no characters that change the order of text, whatever the ids of the images are', async () => {
    const folder = join(top, 'ids');
    const store = folderStore(folder);
    const ids = [
      '/home/jane.doe/x/1',
      '/mnt/jane.doe/y/2',
      `/home/jane.doe/${HOSTILE}`,
      `/home/jane.doe/x/${HOSTILE}`,
    ];
    const faces = imagesInMemory(ids.map((id, i) => ({ id, image: gray(40 * i), labels: { light: i } })));
    const model = build();
    const history = await model.fit(faces, { validation: faces, epochs: 1, engine: 'wasm' });
    await recordRun(store, model, {
      ...{ name: 'run', datasetName: 'faces', train: faces, validation: faces, history },
      ...{ images: false, gradCams: 0 },
    });
    await writeReport(folder);
    for (const name of await store.list()) {
      const text = new TextDecoder().decode(await store.read(name));
      if (!/\.(json|html|md)$/.test(name)) continue;
      expect(text).not.toContain('jane.doe');
      expect(text.replaceAll('\n', '')).not.toMatch(CONTROLS);
    }
    const record = JSON.parse(new TextDecoder().decode(await store.read('run.json')));
    expect(record.answers.map(({ id }: { id: string }) => id)).toContain(HOSTILE);
  });

  test('keep relative paths, fractions, dates and addresses', () => {
    for (const text of [
      'out/model-a',
      '1/2',
      '2024/01/02',
      'and/or',
      'http://a.org/b/c',
      'a / b',
      '/',
      './a/b',
      '~/a/b',
    ])
      expect(shortenPaths(text)).toBe(text);
    expect(shortenPaths('C:\\Users\\jane\\faces')).toBe('faces');
    expect(shortenPaths('it failed at (/home/jane/a.js:3:4)')).toBe('it failed at (a.js:3:4)');
    expect(shortenPaths('at file:///C:/Users/jane/a.js:3')).toBe('at a.js:3');
  });
});
