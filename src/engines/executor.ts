import type { NamedArrays } from '../core/arrays.js';
import type { Weights } from '../network/weights.js';
import type { StepKind } from '../steps/trainingStep.js';

/** Executes the steps of one run, and holds what they change. */
export interface Executor {
  /** One step; its results are in place when it returns the batch's sums. */
  runStep(kind: StepKind, inputs: NamedArrays): Promise<Float32Array>;
  /** Brings the model's variables up to the last step, where they are not what the steps work on. */
  syncWeights(): void;
  /** A copy of the slots by name. */
  getSlots(): Promise<Weights>;
  /** Puts a copy of the slots back; throws a `checkpoint` fault for those of another network or optimiser. */
  setSlots(slots: Weights): void;
  /** Frees what it holds; the model's variables stay. */
  dispose(): void;
}
