import { describe, expect, test } from 'vitest';
import { type Dataset, imagesInMemory } from '../../src/entries/node.js';
import { catchError } from './catchError.js';
import { faces, good, type Labels, settings, small } from './small.js';

/** Trains on eleven valid faces and a last face with these labels, checks that no step ran, and returns the error. */
async function fitFault(labels: object) {
  const valid = Array.from({ length: 11 }, (): Labels => ({ age: 30, gender: 'male' }));
  return faultOfRun(faces([...valid, labels as Labels]));
}

async function faultOfRun(train: Dataset<Labels>, validation?: Dataset<Labels>) {
  let steps = 0;
  const count = {
    name: 'count',
    create: () => ({
      onBatchEnd: () => {
        steps++;
      },
    }),
  };
  const options = { ...settings, callbacks: [count], ...(validation ? { validation } : {}) };
  const error = await catchError(() => small().fit(train, options));
  expect(steps).toBe(0);
  return error;
}

describe('fit with an invalid label', () => {
  test.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    ['30', '"30"'],
    [null, 'null'],
    [[30], '[30]'],
    [{ years: 30 }, '{"years":30}'],
  ])(
    'throws before the first step if a regression label is not a finite number, and the error names the image: %s',
    async (age, received) => {
      const error = await fitFault({ age, gender: 'male' });
      expect(error).toMatchObject({ kind: 'data', path: 'face-11: age', received });
      expect(error.expected).toBe('a finite number (years)');
      expect(error.advice).toContain('undefined');
    },
  );

  test.each([
    ['femal', '"femal"', 'Did you mean "female"?'],
    ['unknown', '"unknown"', 'Fix the label'],
    [1, '1', 'Fix the label'],
    [null, 'null', 'Fix the label'],
    ['', '""', 'Fix the label'],
  ])(
    'rejects a label that is not in the label list of a binary task, and the error contains the list: %s',
    async (gender, received, advice) => {
      const error = await fitFault({ age: 30, gender });
      expect(error).toMatchObject({ kind: 'data', path: 'face-11: gender', received });
      expect(error.expected).toBe('"male" or "female"');
      expect(error.advice).toContain(advice);
    },
  );

  test('throws before the first step if the label of a validation image is invalid', async () => {
    const error = await faultOfRun(good(), faces([{ age: Number.NaN, gender: 'male' }]));
    expect(error).toMatchObject({ kind: 'data', path: 'face-0: age' });
  });

  test('accepts a label that is missing for some images, and rejects a label that is missing for all images', async () => {
    const error = await faultOfRun(faces([{ age: 1 }, { age: 2 }]));
    expect(error).toMatchObject({
      kind: 'data',
      path: 'train: gender',
      received: 'no images with such a label',
    });
    expect(error.advice).toContain('use the name of the task');
    const { rows } = await small().fit(faces([{ age: 1 }, { gender: 'male' }]), { ...settings, epochs: 1 });
    expect(rows[0]!.loss).toSatisfy(Number.isFinite);
  });
});

describe('fit with an invalid sample weight', () => {
  test.each([
    [Number.NaN, 'weight of face-0', 'NaN'],
    [-1, 'weight of face-0', '-1'],
    [{ age: Number.POSITIVE_INFINITY }, 'weight of face-0: age', 'Infinity'],
    [{ agee: 2 }, 'weight of face-0: agee', '"agee"'],
  ])(
    'rejects a weight that is negative or not finite, or that belongs to an unknown task: %j',
    async (weight, path, received) => {
      const error = await faultOfRun(good().withSampleWeights(() => weight as number));
      expect(error).toMatchObject({ kind: 'data', path, received });
      if (received === '"agee"') expect(error.advice).toBe('Did you mean "age"?');
    },
  );
});

describe('a dataset', () => {
  test('without images is rejected by imagesInMemory, fit and evaluate', async () => {
    expect(await catchError(() => imagesInMemory([]))).toMatchObject({ kind: 'data', path: 'images' });
    const error = await faultOfRun(good().take(0));
    expect(error).toMatchObject({ kind: 'data', path: 'train', received: 'an empty dataset' });
    expect(await faultOfRun(good(), good().select([]))).toMatchObject({ kind: 'data', path: 'validation' });
    expect(await catchError(() => small().evaluate(good().take(0)))).toMatchObject({
      kind: 'data',
      path: 'evaluate',
    });
  });

  test('with images of different sizes, or with an image that has too few bytes, is rejected, and the error names the image', async () => {
    const image = (side: number, bytes = side * side * 3) => ({
      image: { data: new Uint8Array(bytes), height: side, width: side, channels: 3 },
      labels: {},
    });
    const other = await catchError(() => imagesInMemory([image(8), image(9)]));
    expect(other).toMatchObject({ kind: 'data', path: '1', received: 'an image of 9x9x3 with 243 bytes' });
    const short = await catchError(() => imagesInMemory([image(8), image(8, 100)]));
    expect(short).toMatchObject({ kind: 'data', path: '1', received: 'an image of 8x8x3 with 100 bytes' });
    expect(short.expected).toContain('8x8x3');
  });

  test('is rejected by fit if its image size differs from the network input, and the error reports both sizes', async () => {
    const error = await faultOfRun(faces([{ age: 1, gender: 'male' }], 10));
    expect(error).toMatchObject({ kind: 'argument', path: 'train', received: 'images of 10x10x3' });
    expect(error.expected).toContain('8x8x3');
  });

  test('is rejected by fit if the byte length of an image has changed, and the error names the image', async () => {
    const data = new Uint8Array(8 * 8 * 3);
    const image = { data, height: 8, width: 8, channels: 3 };
    const dataset = imagesInMemory([{ id: 'shrunk', image, labels: { age: 1, gender: 'male' as const } }]);
    image.data = data.subarray(1);
    const error = await faultOfRun(dataset);
    expect(error).toMatchObject({ kind: 'data', path: 'shrunk', received: 'an image of 191 bytes' });
  });
});

describe('dataset.split()', () => {
  test('rejects a fraction that leaves training or validation without images, and the error reports both image counts', async () => {
    for (const by of ['shuffled', 'first'] as const) {
      const error = await catchError(() => good().split({ validation: 0.01, by }));
      expect(error).toMatchObject({ kind: 'data', path: 'split.validation' });
      expect(error.received).toBe('12 training images and 0 validation images');
      expect(error.advice).toContain('The dataset has 12 images');
    }
    const alone = await catchError(() => good().take(1).split({ validation: 0.5 }));
    expect(alone.received).toBe('0 training images and 1 validation image');
  });

  test.each([0, 1, -0.2, 20, Number.NaN])(
    'rejects a validation fraction that is not between 0 and 1: %d',
    async (validation) => {
      const error = await catchError(() => good().split({ validation }));
      expect(error).toMatchObject({
        kind: 'argument',
        path: 'split.validation',
        received: String(validation),
      });
    },
  );

  test('rejects an unknown value of the `by` option, and the error lists the valid values', async () => {
    const error = await catchError(() => good().split({ validation: 0.5, by: 'frist' as 'first' }));
    expect(error).toMatchObject({ kind: 'argument', path: 'split.by', received: '"frist"' });
    expect(error.expected).toContain('first');
    expect(error.advice).toBe('Did you mean "first"?');
  });
});
