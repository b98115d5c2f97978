import type { NamedArrays } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import type { Weights } from '../network/weights.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { Executor } from '../steps/executor.js';
import { createCoefficientArrays } from '../steps/stepArrays.js';

/** Counts the updates of a run and computes their learning rate. The executor runs the updates and stores the slots. */
export class OptimizerState {
  /** Number of processed batches, as Keras counts `iterations`. */
  iterations = 0;
  #adjustableRate: number;

  constructor(
    readonly optimizer: Optimizer,
    readonly executor: Executor,
  ) {
    this.#adjustableRate = optimizer.schedule(0);
  }

  /** Number of updates so far: the number of batches divided by `gradientAccumulationSteps`. */
  get updateCount(): number {
    return Math.floor(this.iterations / this.optimizer.gradientAccumulationSteps);
  }

  /** Learning rate of the next update. */
  get learningRate(): number {
    return this.optimizer.isLearningRateAdjustable
      ? this.#adjustableRate
      : this.optimizer.schedule(this.updateCount);
  }

  setLearningRate(rate: number): void {
    if (!this.optimizer.isLearningRateAdjustable) {
      throw createError({
        kind: 'argument',
        path: `${this.optimizer.rule.name}.learningRate`,
        expected: 'a number, because a callback changes the learning rate',
        received: `the schedule ${String(this.optimizer.schedule.description.name)}`,
        advice: 'Pass a number as learningRate, or remove the callback.',
      });
    }
    this.#adjustableRate = rate;
  }

  /** Runs one step on the arrays of a batch, including its dropout masks, and returns the sums of the losses and metrics. */
  async runStep(batch: NamedArrays): Promise<Float32Array> {
    const { optimizer } = this;
    const rate = this.learningRate;
    const kind = (this.iterations + 1) % optimizer.gradientAccumulationSteps === 0 ? 'update' : 'accumulate';
    const coefficients = [...optimizer.rule.computeCoefficients(this.updateCount + 1, rate), rate];
    const sums = await this.executor.runStep(kind, { ...batch, ...createCoefficientArrays(coefficients) });
    this.iterations++;
    return sums;
  }

  /** Restores the slots, the batch count and the learning rate from a checkpoint. */
  restore(slots: Weights, iterations: number, rate: number | null): void {
    this.executor.setSlots(slots);
    this.iterations = iterations;
    if (rate !== null) this.#adjustableRate = rate;
  }
}
