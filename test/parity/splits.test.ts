import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csvLabels, type Dataset, imagesInMemory } from '../../src/entries/node.js';
import { imageFolder } from '../../src/node/index.js';
import { fixture } from './fixture.js';

interface Lists {
  readonly training: string[];
  readonly validation: string[];
}
interface Counted {
  readonly n: number;
  readonly share: number;
  /** First and last row, or null for an empty dataset. */
  readonly training?: [number, number] | null;
  readonly validation?: [number, number] | null;
  readonly error?: string;
}
const keras = fixture<{
  frame: Lists & { share: number; rows: string[]; files: string[] };
  first: Counted[];
  last: Counted[];
  directories: { share: number; files: string[]; dataset: Lists; generator: Lists };
}>('splits');

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'splits-'));
  const folders = { frame: keras.frame.files, directories: keras.directories.files };
  const white = { create: { width: 2, height: 2, channels: 3 as const, background: 'white' } };
  for (const [folder, files] of Object.entries(folders)) {
    for (const file of files) {
      await mkdir(dirname(join(root, folder, file)), { recursive: true });
      await sharp(white)
        .png()
        .toFile(join(root, folder, file));
    }
  }
});
afterAll(() => rm(root, { recursive: true }));

const images = (n: number) => {
  const image = { data: new Uint8Array(1), height: 1, width: 1, channels: 1 };
  return imagesInMemory(Array.from({ length: n }, (_, i) => ({ image, labels: { n: i } })));
};

const ends = (dataset: Dataset<unknown>): [number, number] => {
  const rows = dataset.ids.map(Number);
  expect(rows).toEqual(rows.map((_, i) => rows[0]! + i));
  return [rows[0]!, rows.at(-1)!];
};

test('dataset.split() by the first rows uses only rows whose files exist, like flow_from_dataframe in Keras', async () => {
  const { share, rows, training, validation } = keras.frame;
  const csv = ['file,age', ...rows.map((row, i) => `${row},${i}`)].join('\n');
  const labels = csvLabels(csv, { columns: { age: Number } });
  const dataset = await imageFolder(join(root, 'frame'), { labels, size: [2, 2], unusableFiles: 'skip' });
  // Keras drops the other rows with a warning.
  expect(dataset.skipped.map(({ path }) => path)).toEqual(
    rows.filter((row) => !dataset.ids.includes(row)).sort(),
  );
  const parts = dataset.split({ validation: share, by: 'first' });
  expect(parts.validation.ids).toEqual(validation);
  expect(parts.train.ids).toEqual(training);
});

describe.each(['first', 'last'] as const)('dataset.split() by the %s rows', (by) => {
  test('selects the same rows as Keras for every dataset size and fraction', () => {
    let splitCount = 0;
    for (const { n, share, training, validation, error } of keras[by]) {
      const split = () => images(n).split({ validation: share, by });
      if (error || !training || !validation) {
        // This library throws where Keras throws or would train without validation.
        expect(split, `${share} of ${n}`).toThrow('at least one training image and one validation image');
        continue;
      }
      splitCount++;
      const parts = split();
      expect(ends(parts.train), `training of ${n} with ${share}`).toEqual(training);
      expect(ends(parts.validation), `validation of ${n} with ${share}`).toEqual(validation);
    }
    expect(splitCount).toBeGreaterThan(70);
    expect(splitCount).toBeLessThan(keras[by].length);
  });
});

describe('imageFolder with subfolders', () => {
  const open = () =>
    imageFolder(join(root, 'directories'), { labels: () => ({ labels: { a: 1 } }), size: [2, 2] });

  test('lists files in the same order as Keras, and a split() that takes the last rows rounds their number as Keras does for validation_split', async () => {
    const { share, files, dataset } = keras.directories;
    const faces = await open();
    expect(faces.ids).toEqual(files);
    expect([...dataset.training, ...dataset.validation]).toEqual(files);
    const { validation } = faces.split({ validation: share, by: 'last' });
    // Of 21 images, image_dataset_from_directory takes ⌊0.2 · 21⌋ = 4; fit and this library take 21 - ⌊0.8 · 21⌋ = 5.
    expect(validation.ids.slice(1)).toEqual(dataset.validation);
    const cut = files.length - Math.trunc(share * files.length);
    const chosen = faces.select(Array.from({ length: files.length - cut }, (_, i) => cut + i));
    expect(chosen.ids).toEqual(dataset.validation);
  });

  test('gives the same training and validation sets as flow_from_directory if the first images of each subfolder are used for validation', async () => {
    const { share, generator } = keras.directories;
    const faces = await open();
    const parts = ['a/', 'b/', 'c/'].map((kind) => {
      const indices = faces.ids.flatMap((id, i) => (id.startsWith(kind) ? [i] : []));
      return faces.select(indices).split({ validation: share, by: 'first' });
    });
    expect(parts.flatMap(({ validation }) => validation.ids)).toEqual(generator.validation);
    expect(parts.flatMap(({ train }) => train.ids)).toEqual(generator.training);
  });
});
