import {
  batchNorm,
  binary,
  branch,
  conv,
  createRng,
  dense,
  flatten,
  imagesInMemory,
  multiTask,
  regression,
  sharedTrunk,
  weightedLoss,
} from '../../src/entries/node.js';

export const GENDERS = ['male', 'female'] as const;

export interface Labels {
  readonly age?: number | undefined;
  readonly gender?: 'male' | 'female' | undefined;
}

/** Creates a dataset of 8x8 noise images with these labels. The ids are `face-0`, `face-1` and so on. */
export const faces = (labels: readonly Labels[], side = 8) =>
  imagesInMemory(
    labels.map((faceLabels, i) => {
      const random = createRng(i, 'noise');
      const data = Uint8Array.from({ length: side * side * 3 }, () => random.nextInt(256));
      return { id: `face-${i}`, image: { data, height: side, width: side, channels: 3 }, labels: faceLabels };
    }),
  );

/** Creates twelve faces with valid labels. */
export const good = () =>
  faces(Array.from({ length: 12 }, (_, i) => ({ age: 5 * i, gender: GENDERS[i % 2]! })));

/** Creates a network with two tasks that trains in milliseconds. */
export const small = () =>
  multiTask({ input: [8, 8, 3] })
    .trunk(sharedTrunk([conv(2, 3), batchNorm()]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(3)]))
    .task('gender', binary(GENDERS), branch([flatten(), dense(3)]))
    .build();

export const settings = {
  epochs: 2,
  batchSize: 4,
  engine: 'wasm',
  loss: weightedLoss({ age: 1, gender: 50 }),
} as const;
