import type { Arrays } from './batch.js';
import type { Weights } from './callback.js';
import type { StepKind } from './step.js';

/** Executes the steps of one run, and holds what they change. */
export interface Steps {
  /** One step; its results are in place when it returns the batch's sums. */
  step(kind: StepKind, inputs: Arrays): Promise<Float32Array>;
  /** Brings the model's variables up to the last step, where they are not what the steps work on. */
  settle(): void;
  /** A copy of the slots by name. */
  slots(): Promise<Weights>;
  /** Puts a copy of the slots back; throws a `checkpoint` fault for those of another network or optimiser. */
  restore(slots: Weights): void;
  /** Frees what it holds; the model's variables stay. */
  dispose(): void;
}
