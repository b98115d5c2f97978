import type { NamedArrays } from '../core/arrays.js';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import type { Weights } from '../network/weights.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { Executor } from '../steps/executor.js';
import { createCoefficientArrays } from '../steps/stepArrays.js';

/**
 * Step count and learning rate of a run. It computes the learning rate of each update, whereas the executor performs the updates and stores
 * the optimizer slots.
 */
export class OptimizerState {
  /** Number of batches that were processed since the beginning of the run, like `iterations` in Keras. */
  iterations = 0;
  #adjustableRate: number;

  constructor(
    readonly optimizer: Optimizer,
    readonly executor: Executor,
  ) {
    this.#adjustableRate = this.#computeScheduledRate(0);
  }

  /** Number of weight updates so far: the number of batches divided by `gradientAccumulationSteps`, rounded down. */
  get updateCount(): number {
    return Math.floor(this.iterations / this.optimizer.gradientAccumulationSteps);
  }

  /** Learning rate of the next weight update. */
  get learningRate(): number {
    return this.optimizer.isLearningRateAdjustable
      ? this.#adjustableRate
      : this.#computeScheduledRate(this.updateCount);
  }

  setLearningRate(rate: number): void {
    if (!this.optimizer.isLearningRateAdjustable) {
      throw createError({
        kind: 'argument',
        path: `${this.optimizer.rule.name}.learningRate`,
        expected: 'a number that a callback can change',
        received: `the ${String(this.optimizer.schedule.description.name)} schedule`,
        advice: 'Pass a number as learningRate, or remove the callback that sets the learning rate.',
      });
    }
    checks.number('setLearningRate', rate, {
      min: 0,
      max: checks.MAX_FLOAT,
      advice: 'Pass a learning rate, for example run.learningRate / 2.',
    });
    this.#adjustableRate = rate;
  }

  /** Throws an `argument` error if the schedule does not return a learning rate. */
  #computeScheduledRate(update: number): number {
    const { rule, schedule } = this.optimizer;
    const rate = schedule(update);
    checks.number(`${rule.name}.learningRate(${update})`, rate, {
      min: 0,
      max: checks.MAX_FLOAT,
      advice: 'Return a number from the schedule for every update.',
    });
    return rate;
  }

  /**
   * Runs one training step. `batch` contains the input arrays of the step for one batch, including dropout masks. Returns the sums from
   * which the losses and metrics of the batch are computed.
   */
  async runStep(batch: NamedArrays): Promise<Float32Array> {
    const { optimizer } = this;
    const rate = this.learningRate;
    const kind = (this.iterations + 1) % optimizer.gradientAccumulationSteps === 0 ? 'update' : 'accumulate';
    const coefficients = [...optimizer.rule.computeCoefficients(this.updateCount + 1, rate), rate];
    const sums = await this.executor.runStep(kind, { ...batch, ...createCoefficientArrays(coefficients) });
    this.iterations++;
    return sums;
  }

  /** Restores the optimizer slots, the number of batches and the learning rate from a checkpoint. */
  restore(slots: Weights, iterations: number, rate: number | null): void {
    this.executor.setSlots(slots);
    this.iterations = iterations;
    if (rate !== null) this.#adjustableRate = rate;
  }
}
