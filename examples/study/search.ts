/**
 * Hyperparameter search of Model A with the search space of the published study. `npm run tune` and the process of each trial import this
 * module.
 */
import { createHash } from 'node:crypto';
import { folderStore } from 'tfjs-multitask/node';
import {
  choice,
  float,
  grid,
  hyperband,
  medianPruner,
  minimize,
  random,
  space,
  study,
  tpe,
} from 'tfjs-multitask/tuner';
import type { TuneArguments } from './arguments.js';
import { loadFaces } from './faces.js';
import { modelA } from './modelA.js';
import { createOptimizer, LOSS } from './training.js';

/** Values that the search can choose for each hyperparameter. */
export const SPACE = space({
  dropout: float({ min: 0, max: 0.5, step: 0.1 }),
  l2: float({ min: 1e-5, max: 1e-2, scale: 'log' }),
  ageFilters: choice([32, 64, 128, 256]),
  genderFilters: choice([32, 64, 128, 256]),
});

/** Creates the study from the arguments of `npm run tune`. */
export default async function createSearch(args: TuneArguments) {
  const { train, validation } = await loadFaces(args);
  return study({
    space: SPACE,
    objectives: minimize('val_loss'),
    strategy: {
      tpe: tpe({ startupTrials: 4 }),
      random: random(),
      grid: grid({ steps: 4 }),
      hyperband: hyperband({ maxEpochs: args.epochs }),
    }[args.strategy],
    // Hyperband stops trials by its own rule.
    ...(args.strategy === 'hyperband' ? {} : { pruner: medianPruner({ startupTrials: 4, warmupEpochs: 2 }) }),
    seed: args.seed,
    digest: computeDigest([args.size, args.batchSize, args.epochs, args.augment, train.ids, validation.ids]),
    run: async ({ params, fitOptions }) => {
      await modelA(args.size, { seed: args.seed, ...params }).fit(train, {
        validation,
        epochs: args.epochs,
        batchSize: args.batchSize,
        seed: args.seed,
        engine: args.engine,
        loss: LOSS,
        optimizer: createOptimizer({ trainingImages: train.size, ...args }),
        compileCache: folderStore('out/graphs'),
        ...fitOptions,
      });
    },
  });
}

/**
 * Computes a hash of everything on which the results depend. A search with a different hash cannot be continued. Images are identified by
 * their file names, which contain the labels.
 */
const computeDigest = (parts: unknown) => createHash('sha256').update(JSON.stringify(parts)).digest('hex');
