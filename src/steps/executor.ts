import type { NamedArrays } from '../core/arrays.js';
import type { WeightSource } from '../network/weightSync.js';
import type { Weights } from '../network/weights.js';
import type { StepKind } from './trainingStep.js';

/** Runs the training steps of one run and stores the state that they change: weights and optimizer slots. */
export interface Executor extends WeightSource {
  /** Runs one step on named host arrays and returns the sums of the losses and metrics of the batch. */
  runStep(kind: StepKind, inputs: NamedArrays): Promise<Float32Array>;
  /** Returns a copy of the optimizer's slots by name. */
  getSlots(): Promise<Weights>;
  /** Replaces the slots by a copy. Throws a `checkpoint` error for slots of another network or optimizer. */
  setSlots(slots: Weights): void;
  /** Copies the last weights into the model's variables and frees everything else. */
  dispose(): void;
}
