import type { NamedArrays } from '../core/arrays.js';
import type { WeightSource } from '../network/weightSync.js';
import type { Weights } from '../network/weights.js';
import type { StepKind } from './trainingStep.js';

/** Object that executes the training steps of one run. It stores the state that the steps change: weights and optimizer slots. */
export interface Executor extends WeightSource {
  /**
   * Runs one training step. `inputs` are the input arrays of the step, keyed by name. Returns the sums from which the losses and metrics of
   * the batch are computed. Throws an `aborted` error if the signal of the run is aborted while the step is compiled.
   */
  runStep(kind: StepKind, inputs: NamedArrays): Promise<Float32Array>;
  /** Returns a copy of the optimizer slots, keyed by slot name. */
  getSlots(): Promise<Weights>;
  /** Restores optimizer slots from a copy. Throws a `checkpoint` error if the slots belong to another network or optimizer. */
  setSlots(slots: Weights): void;
  /** Copies the weights of the last step into the variables of the model, and frees all other memory. */
  dispose(): void;
}
