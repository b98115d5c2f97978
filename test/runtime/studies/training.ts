/** Study that trains a small network on noise. */
import {
  adam,
  branch,
  type Callback,
  conv,
  createRng,
  dense,
  dropout,
  flatten,
  imagesInMemory,
  maxPool,
  multiTask,
  regression,
  sharedTrunk,
} from '../../../src/entries/node.js';
import {
  choice,
  float,
  hyperband,
  minimize,
  random,
  space,
  study,
  type TrialRecord,
} from '../../../src/tuner/index.js';

const noise = createRng(1, 'images');
const data = imagesInMemory(
  Array.from({ length: 24 }, (_, i) => ({
    image: {
      data: Uint8Array.from({ length: 768 }, () => noise.nextInt(256)),
      height: 16,
      width: 16,
      channels: 3,
    },
    labels: { age: i },
  })),
);

/** Prunes every trial with an even number after its second epoch. */
const evenPruner = {
  name: 'even',
  options: {},
  prune: ({ number, rows }: TrialRecord) =>
    number % 2 === 0 && rows.length === 2 ? 'its number is even' : undefined,
};

export default ({
  strategy,
  epochs = 3,
  pruned = false,
  pause = 0,
}: {
  readonly strategy: 'hyperband' | 'random';
  readonly epochs?: number;
  readonly pruned?: boolean;
  /** Pause after an epoch in milliseconds. */
  readonly pause?: number;
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
    ...(pruned && { pruner: evenPruner }),
    run: async ({ params, fitOptions }) => {
      const model = multiTask({ input: [16, 16, 3] })
        .trunk(sharedTrunk([conv(params.filters, 3), maxPool(2)]))
        .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8), dropout(params.dropout)]))
        .build();
      const optimizer = adam({ learningRate: params.rate });
      const printEpoch: Callback = {
        name: 'printEpoch',
        create: () => ({
          onEpochEnd: async ({ epoch }) => {
            console.log(`trained epoch ${epoch}`);
            await new Promise((resolve) => setTimeout(resolve, pause));
          },
        }),
      };
      const callbacks = [...fitOptions.callbacks, printEpoch];
      await model.fit(data, { epochs, batchSize: 8, engine: 'wasm', optimizer, ...fitOptions, callbacks });
    },
  });
