import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeAffineMatrix, warp } from '../../src/augment/affine.js';
import { createAugmentationPipeline } from '../../src/augment/augmentationPipeline.js';
import { iterateBatches } from '../../src/data/batches.js';
import { utkFace } from '../../src/datasets/index.js';
import {
  createRng,
  imagesInMemory,
  randomFlip,
  randomRotation,
  randomShear,
  randomTranslation,
  randomZoom,
} from '../../src/entries/node.js';

const pixels = (height: number, width: number, seed = 1) => {
  const random = createRng(seed, 'pixels');
  const data = Uint8Array.from({ length: height * width * 3 }, () => random.nextInt(256));
  return { data, height, width, channels: 3 };
};
const dataset = (size: number) =>
  imagesInMemory(Array.from({ length: size }, (_, i) => ({ image: pixels(4, 4, i), labels: { n: i } })));
const identity = { rotation: 0, shiftColumns: 0, shiftRows: 0, shear: 0, zoomColumns: 1, zoomRows: 1 };
const nearest = { fill: 'nearest', value: 0, kerasCenter: false } as const;

describe('an augmentation', () => {
  test('that flips an image twice along the same axis restores the image', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (height, width) => {
        for (const flip of [
          randomFlip('horizontal', { probability: 1 }),
          randomFlip('vertical', { probability: 1 }),
        ]) {
          const pipeline = createAugmentationPipeline([flip]);
          const image = pixels(height, width);
          const plan = pipeline.draw(createRng(1), [height, width, 3]);
          const once = pipeline.apply(image, plan);
          const twice = pipeline.apply({ ...once, data: Uint8Array.from(once.data) }, plan);
          expect(Array.from(twice.data)).toEqual(Array.from(image.data));
        }
      }),
    );
  });

  test("with randomFlip('both') draws the same flips as randomFlip('horizontal') followed by randomFlip('vertical')", () => {
    const both = createAugmentationPipeline([randomFlip('both', { probability: 0.4 })]);
    const two = createAugmentationPipeline([
      randomFlip('horizontal', { probability: 0.4 }),
      randomFlip('vertical', { probability: 0.4 }),
    ]);
    expect(both.description).toEqual(two.description);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(both.draw(createRng(seed), [4, 4, 3])).toEqual(two.draw(createRng(seed), [4, 4, 3]));
      }),
    );
  });

  test('with a counter-clockwise rotation by 90 degrees equals numpy.rot90 on a square image', () => {
    const image = pixels(6, 6);
    const rotated = warp(
      image,
      computeAffineMatrix({ ...identity, rotation: 90 }, [6, 6, 3], false),
      nearest,
    );
    for (let r = 0; r < 6; r++) {
      for (let c = 0; c < 6; c++) {
        const expected = image.data[(c * 6 + (5 - r)) * 3]!;
        expect(Math.abs(rotated.data[(r * 6 + c) * 3]! - expected)).toBeLessThan(1e-5 * 255); // cos 90° is not exactly 0 in floating point.
      }
    }
  });

  test('preserves the number of pixels and the range of pixel values', () => {
    const pipeline = createAugmentationPipeline([
      randomRotation({ degrees: 40 }),
      randomZoom({ range: 0.5 }),
      randomTranslation({ heightFactor: 0.3, widthFactor: 0.3 }),
      randomShear({ degrees: 20 }),
    ]);
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom('nearest', 'reflect', 'wrap', 'constant'), (seed, fill) => {
        const image = pixels(7, 5);
        const plan = pipeline.draw(createRng(seed), [7, 5, 3]);
        const { data } = createAugmentationPipeline([randomRotation({ degrees: 1 })], {
          fillMode: fill as 'nearest',
        }).apply(image, plan);
        expect(data).toHaveLength(image.data.length);
        for (const value of data) expect(value >= 0 && value <= 255).toBe(true);
      }),
    );
  });
});

describe('dataset.split()', () => {
  test('puts every image in exactly one part, and returns the same parts for equal seeds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), fc.integer(), (size, seed) => {
        const { train, validation } = dataset(size).split({ validation: 0.5, seed });
        const again = dataset(size).split({ validation: 0.5, seed });
        expect([...train.ids, ...validation.ids].sort()).toEqual([...dataset(size).ids].sort());
        expect(again.validation.ids).toEqual(validation.ids);
      }),
    );
  });

  test('returns parts of the same sizes as Keras if it splits by the first or last rows', () => {
    expect(dataset(11).split({ validation: 0.25, by: 'first' }).validation.ids).toEqual(['0', '1']);
    const sizes = [
      [10, 0.2, 8],
      [10, 0.25, 7],
      [11, 0.2, 8],
      [100, 0.07, 93],
      [10, 0.3, 7],
    ] as const;
    for (const [n, share, train] of sizes) {
      expect(dataset(n).split({ validation: share, by: 'last' }).train.size).toBe(train);
    }
    expect(() => dataset(10).split({ validation: 0.9, by: 'last' })).toThrow('0 training images');
  });
});

test('iterateBatches yields the same remaining batches as an uninterrupted epoch if an epoch is resumed in the middle', async () => {
  const transforms = [randomRotation({ degrees: 20 })];
  const order = { batchSize: 3, epoch: 2, seed: 5, shuffle: true };
  const all = await collect(iterateBatches(dataset(10).augment(transforms), order));
  const rest = await collect(iterateBatches(dataset(10).augment(transforms), { ...order, firstBatch: 2 }));
  expect(rest).toEqual(all.slice(2));
});

test('utkFace() reads age and gender from a file name, or returns the reason why the file name is invalid', () => {
  const read = utkFace();
  expect(read('a/26_1_0_20170116184024662.jpg')).toEqual({ labels: { age: 26, gender: 'female' } });
  expect(read('61_1_20170109142408075.jpg')).toHaveProperty('reason');
  expect(read('121_1_0_2017.jpg')).toHaveProperty('reason');
});

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(structuredClone(value)); // A batch is valid until the next one.
  return all;
}
