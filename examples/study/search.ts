/**
 * The search of Model A, as every trial imports it: dropout rate, L2 factor and the filters of the last convolution of each branch,
 * as in the report.
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
import type { StudyArguments } from './arguments.js';
import { loadFaces } from './faces.js';
import { modelA } from './model-a-network.js';
import { LOSS, optimizerOf } from './train.js';

export const STRATEGIES = ['tpe', 'random', 'grid', 'hyperband'] as const;

/** What is searched. */
export const SPACE = space({
  dropout: float({ min: 0, max: 0.5, step: 0.1 }),
  l2: float({ min: 1e-5, max: 1e-2, scale: 'log' }),
  ageFilters: choice([32, 64, 128, 256]),
  genderFilters: choice([32, 64, 128, 256]),
});

/** The search with the arguments of `npm run tune`. */
export default async function search(args: StudyArguments) {
  const { train, validation } = await loadFaces(args);
  const strategy = args.own.strategy as (typeof STRATEGIES)[number];
  return study({
    space: SPACE,
    objectives: minimize('val_loss'),
    strategy: {
      tpe: tpe({ startupTrials: 4 }),
      random: random(),
      grid: grid({ steps: 4 }),
      hyperband: hyperband({ maxEpochs: args.epochs }),
    }[strategy],
    ...(strategy === 'hyperband' ? {} : { pruner: medianPruner({ startupTrials: 4, warmupEpochs: 2 }) }),
    seed: args.seed,
    digest: digestOf([args.size, args.batchSize, args.epochs, args.augment, train.ids, validation.ids]),
    run: async ({ params, fitOptions }) => {
      await modelA(args.size, { seed: args.seed, ...params }).fit(train, {
        validation,
        epochs: args.epochs,
        batchSize: args.batchSize,
        seed: args.seed,
        engine: args.engine,
        loss: LOSS,
        optimizer: optimizerOf(train.size, args),
        compileCache: folderStore('out/graphs'),
        ...fitOptions,
      });
    },
  });
}

/** Ages and genders stand in the names of the files: with other images it is another search. */
const digestOf = (parts: unknown) => createHash('sha256').update(JSON.stringify(parts)).digest('hex');
