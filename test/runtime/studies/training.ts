/** A study that trains a small network on noise. */
import {
  adam,
  branch,
  conv,
  dense,
  dropout,
  flatten,
  imagesInMemory,
  maxPool,
  multiTask,
  regression,
  rng,
  sharedTrunk,
} from '../../../src/index.js';
import { choice, float, hyperband, minimize, random, space, study } from '../../../src/tuner/index.js';

const noise = rng(1, 'images');
const data = imagesInMemory(
  Array.from({ length: 24 }, (_, i) => ({
    image: {
      data: Uint8Array.from({ length: 768 }, () => noise.below(256)),
      height: 16,
      width: 16,
      channels: 3,
    },
    labels: { age: i },
  })),
);

export default ({
  strategy,
  epochs = 3,
}: {
  readonly strategy: 'hyperband' | 'random';
  readonly epochs?: number;
}) =>
  study({
    space: space({
      dropout: float({ min: 0, max: 0.5 }),
      filters: choice([2, 4]),
      rate: float({ min: 1e-4, max: 1e-1, scale: 'log' }),
    }),
    objectives: minimize('loss'),
    strategy: strategy === 'random' ? random() : hyperband({ maxEpochs: 3 }),
    seed: 3,
    run: async ({ values, fit }) => {
      const model = multiTask({ input: [16, 16, 3] })
        .trunk(sharedTrunk([conv(values.filters, 3), maxPool(2)]))
        .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8), dropout(values.dropout)]))
        .build();
      const optimizer = adam({ learningRate: values.rate });
      await model.fit(data, { epochs, batchSize: 8, engine: 'wasm', optimizer, ...fit });
    },
  });
