import { adam, exponentialDecay, weightedLoss } from 'tfjs-multitask';

/** Loss of `examples/model-a.ts` and `examples/model-b.ts`. */
export const LOSS = weightedLoss({ age: 1, gender: 50 });

/** Options of {@link createOptimizer}. */
export interface OptimizerSettings {
  readonly trainingImages: number;
  readonly batchSize: number;
  /** Factor by which the learning rate is multiplied over each epoch. */
  readonly decayRate: number;
  /** Initial learning rate. Default: 0.001. */
  readonly learningRate?: number;
}

/** Creates the optimizer of `examples/model-a.ts` and `examples/model-b.ts`. */
export const createOptimizer = ({
  trainingImages,
  batchSize,
  decayRate,
  learningRate = 1e-3,
}: OptimizerSettings) =>
  adam({
    learningRate: exponentialDecay({
      initialLearningRate: learningRate,
      decaySteps: Math.ceil(trainingImages / batchSize),
      decayRate,
    }),
  });
