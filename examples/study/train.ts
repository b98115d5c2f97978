import {
  adam,
  type Callback,
  csvLogger,
  exponentialDecay,
  type MultiTaskModel,
  progressBar,
  type Store,
  weightedLoss,
} from 'tfjs-multitask';
import { folderStore } from 'tfjs-multitask/node';
import { DEMO } from '../demo-faces/write.js';
import type { StudyArguments } from './arguments.js';
import type { Faces } from './faces.js';
import type { modelA } from './model-a-network.js';

/** Any network of the study. */
export type StudyModel = MultiTaskModel<ReturnType<typeof modelA>['tasks']>;

/** What a network is trained with beside what both have. */
export interface Training {
  readonly store: ReturnType<typeof folderStore>;
  readonly callbacks: readonly Callback<'val_loss'>[];
  /** Where the outputs of frozen layers are kept. */
  readonly featureCache?: Store;
}

/** Squared years are hundreds where a cross-entropy is below one. */
export const LOSS = weightedLoss({ age: 1, gender: 50 });

/**
 * Adam, whose rate falls a little at every step. It begins at a tenth where layers that were trained elsewhere are trained
 * on: Adam's first steps are as large as its rate, whatever the gradient, and would undo them. Not at a hundredth, as is
 * usual where the branches were trained before: here they begin at random in the same run, and would hardly move.
 */
export const optimizerOf = (images: number, { batchSize, demo, own }: StudyArguments) =>
  adam({
    learningRate: exponentialDecay({
      initialLearningRate: (demo ? DEMO.learningRate : 1e-3) * (tunes(own) ? 0.1 : 1),
      decaySteps: Math.ceil(images / batchSize),
      decayRate: demo ? DEMO.decay : 0.95,
    }),
  });

const tunes = (own: StudyArguments['own']) => own['fine-tune'] !== undefined && own.weights !== 'none';

/** Trains as the report has it; Ctrl-C stops after a step, and `--resume` goes on from there. */
export function train(
  model: StudyModel,
  faces: Faces,
  args: StudyArguments,
  { store, callbacks, featureCache }: Training,
) {
  const stop = new AbortController();
  const interrupt = () => {
    console.log('\nStopping after this step; --resume goes on from there. Ctrl-C again ends at once.');
    stop.abort();
  };
  process.once('SIGINT', interrupt);
  const run = model.fit(faces.train, {
    validation: faces.validation,
    evaluateUnaugmented: true,
    epochs: args.epochs,
    batchSize: args.batchSize,
    seed: args.seed,
    engine: args.engine,
    loss: LOSS,
    optimizer: optimizerOf(faces.train.size, args),
    callbacks: [...callbacks, csvLogger(store), progressBar(process.stdout)],
    checkpoint: store,
    ...(featureCache && { featureCache }),
    resume: args.resume,
    signal: stop.signal,
    compileCache: folderStore('out/graphs'),
    ...(args.threads === undefined ? {} : { threads: args.threads }),
    log: console.log,
  });
  return run.finally(() => void process.off('SIGINT', interrupt));
}
