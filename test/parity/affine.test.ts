import { describe, expect, test } from 'vitest';
import type { FillMode } from '../../src/augment/affine.js';
import { createAugmentationPipeline } from '../../src/augment/augmentationPipeline.js';
import type { ImageShape } from '../../src/core/images.js';
import {
  createRng,
  randomBrightness,
  randomFlip,
  randomRotation,
  randomZoom,
} from '../../src/entries/node.js';
import { rescaleImages } from '../../src/inference/rescaleImages.js';
import { expectClose } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { imageBytes } from './noise.js';

interface Parameters {
  readonly theta: number;
  readonly tx: number;
  readonly ty: number;
  readonly shear: number;
  readonly zx: number;
  readonly zy: number;
  readonly flip_horizontal: boolean;
  readonly flip_vertical: boolean;
}

const keras = fixture<{
  transforms: {
    name: string;
    shape: [number, number, number];
    parameters: Parameters;
    fill: FillMode;
    value: number;
    pixels: FixtureArray;
  }[];
  draws: {
    count: number;
    levels: number[];
    theta: number[];
    zx: number[];
    zy: number[];
    correlation: number;
    flips: number;
  };
  brightness: { factor: number; pixels: FixtureArray }[];
  standardize: { [name: string]: FixtureArray };
  layers: { [name: string]: FixtureArray };
}>('affine');

const createImage = (name: string, [height, width, channels]: ImageShape) => ({
  data: imageBytes(name, [height, width, channels]),
  height,
  width,
  channels,
});

const planOf = (p: Parameters) => ({
  affine: {
    rotation: p.theta,
    shiftColumns: p.tx,
    shiftRows: p.ty,
    shear: p.shear,
    zoomColumns: p.zx,
    zoomRows: p.zy,
  },
  flips: { horizontal: p.flip_horizontal, vertical: p.flip_vertical },
  values: [],
});

// Both compute in double precision and round pixels to float32, whose spacing at 255 is 1.5e-5.
const ROUNDING = 3.1e-5;

describe("augmentation with compat: 'keras'", () => {
  test.each(keras.transforms)(
    'gives the same pixels as ImageDataGenerator: $name',
    ({ name, shape, parameters, fill: fillMode, value: fillValue, pixels }) => {
      const pipeline = createAugmentationPipeline([], { fillMode, fillValue, compat: 'keras' });
      expectClose(
        pipeline.apply(createImage(name, shape), planOf(parameters)).data,
        numbers(pixels),
        ROUNDING,
        'pixel',
      );
    },
  );

  test('gives the same pixels as augmentation without the compat option if an image is square, but not otherwise', () => {
    const seen = new Set<boolean>();
    for (const { name, shape, parameters, fill: fillMode, value: fillValue, pixels } of keras.transforms) {
      const { data } = createAugmentationPipeline([], { fillMode, fillValue }).apply(
        createImage(name, shape),
        planOf(parameters),
      );
      const square = shape[0] === shape[1];
      const turns = parameters.theta !== 0 || parameters.zx !== 1;
      if (square) expectClose(data, numbers(pixels), ROUNDING, name);
      else if (turns) expect(() => expectClose(data, numbers(pixels), 1, name)).toThrow('apart');
      seen.add(square);
    }
    expect(seen.size).toBe(2);
  });

  test('changes the brightness as ImageDataGenerator does, except for rounding in Pillow', () => {
    const shape = [6, 6, 3] as const;
    expect(keras.brightness).toHaveLength(2);
    for (const { factor, pixels } of keras.brightness) {
      const plan = {
        ...planOf({ theta: 0, tx: 0, ty: 0, shear: 0, zx: 1, zy: 1 } as Parameters),
        values: [{ factor }],
      };
      const { data } = createAugmentationPipeline([randomBrightness({ range: 0.5 })]).apply(
        createImage('brightness', shape),
        plan as never,
      );
      expectClose(data, numbers(pixels), 1, `brightness ${factor}`);
    }
  });
});

test('augmentation without compat gives the same pixels as the preprocessing layers of Keras 3', () => {
  const image = createImage('layers', [4, 6, 3]);
  const identity = { theta: 0, tx: 0, ty: 0, shear: 0, zx: 1, zy: 1 } as Parameters;
  const cases: { [name: string]: [Partial<Parameters>, FillMode] } = {
    turn: [{ theta: 90 }, 'nearest'],
    'turn by 20 degrees': [{ theta: 20 }, 'reflect'],
    'zoom out': [{ zx: 1.5, zy: 1.5 }, 'nearest'],
    'zoom in': [{ zx: 0.5, zy: 0.5 }, 'nearest'],
  };
  expect(Object.keys(keras.layers).sort()).toEqual(Object.keys(cases).sort());
  for (const [name, [changed, fillMode]] of Object.entries(cases)) {
    const { data } = createAugmentationPipeline([], { fillMode }).apply(
      image,
      planOf({ ...identity, ...changed }),
    );
    // The Keras layers compute coordinates in float32, which causes errors up to 1e-4 of the pixel range.
    expectClose(data, numbers(keras.layers[name]!), 1e-4 * 255, name);
  }
});

describe('random augmentation parameters', () => {
  const pipeline = createAugmentationPipeline([
    randomRotation({ degrees: 20 }),
    randomZoom({ range: 0.1 }),
    randomFlip('horizontal'),
  ]);
  const { draws } = keras;
  const plans = Array.from(
    { length: draws.count },
    (_, i) => pipeline.draw(createRng(5, 'plan', 0, i), [8, 8, 3]) as unknown as ReturnType<typeof planOf>,
  );

  test.each([
    ['theta', 'rotation'],
    ['zx', 'zoomColumns'],
    ['zy', 'zoomRows'],
  ] as const)('have the same distribution as in ImageDataGenerator: %s', (theirs, ours) => {
    const sorted = plans.map((plan) => plan.affine[ours]).sort((a, b) => a - b);
    const quantiles = draws[theirs];
    const range = ours === 'rotation' ? 20 : 0.1;
    const middle = ours === 'rotation' ? 0 : 1;
    expect(sorted[0]!).toBeGreaterThanOrEqual(middle - range);
    expect(sorted.at(-1)!).toBeLessThan(middle + range);
    // Kolmogorov-Smirnov test of two samples of size n: the statistic exceeds 1.95 √(2/n) by chance once in a thousand tests.
    const limit = 1.95 * Math.sqrt(2 / draws.count);
    quantiles.forEach((quantile, i) => {
      const below = sorted.filter((value) => value <= quantile).length / sorted.length;
      expect(Math.abs(below - draws.levels[i]!)).toBeLessThan(limit);
    });
  });

  test('contain two independent zoom factors, and a flip for half of the images', () => {
    const xs = plans.map((plan) => plan.affine.zoomColumns - 1);
    const ys = plans.map((plan) => plan.affine.zoomRows - 1);
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const correlation =
      sum(xs.map((x, i) => x * ys[i]!)) / Math.sqrt(sum(xs.map((x) => x * x)) * sum(ys.map((y) => y * y)));
    for (const value of [correlation, draws.correlation]) expect(Math.abs(value)).toBeLessThan(0.04);
    const flips = plans.filter((plan) => plan.flips.horizontal).length / plans.length;
    for (const value of [flips, draws.flips]) expect(Math.abs(value - 0.5)).toBeLessThan(0.02);
    expect(plans.some((plan) => plan.flips.vertical)).toBe(false);
  });
});

test.each([
  ['rescaled', [0, 1]],
  ['function first', [1000 / 255, 1255 / 255]],
] as const)(
  'rescaleImages gives the same values as ImageDataGenerator.standardize for the "%s" fixture and the pixel range %j',
  (name, range) => {
    const bytes = Float32Array.from(imageBytes('standardise', [4, 4, 3]));
    const images = rescaleImages(bytes, [1, 4, 4, 3], range);
    // The tolerance is two units in the last place at 4.9, for one float32 multiplication and one addition.
    expectClose(images.data, numbers(keras.standardize[name]!), 1e-6, name);
  },
);
