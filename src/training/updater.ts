import { fault } from '../core/errors.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { type Arrays, coefficientArrays } from './batch.js';
import type { Weights } from './callback.js';
import type { Steps } from './steps.js';

/** The optimiser of a run: counts its updates and knows their rate; what executes them is handed in. */
export class Updater {
  /** Batches seen, counted as Keras counts `iterations`. */
  iterations = 0;
  #rate: number;

  constructor(
    readonly optimizer: Optimizer,
    readonly steps: Steps,
  ) {
    this.#rate = optimizer.schedule(0);
  }

  /** Updates made so far: batches, divided by how many of them make one. */
  get updates(): number {
    return Math.floor(this.iterations / this.optimizer.gradientAccumulationSteps);
  }

  /** The rate of the next update. */
  get learningRate(): number {
    return this.optimizer.adjustable ? this.#rate : this.optimizer.schedule(this.updates);
  }

  setLearningRate(rate: number): void {
    if (!this.optimizer.adjustable) {
      throw fault({
        kind: 'argument',
        path: `${this.optimizer.rule.name}.learningRate`,
        expected: 'a number, since a callback changes it',
        received: `the schedule ${String(this.optimizer.schedule.description.name)}`,
        advice: 'Give a number as learningRate, or leave the callback out.',
      });
    }
    this.#rate = rate;
  }

  /** Runs one step on the arrays of a batch and its masks, and returns the batch's sums. */
  async step(batch: Arrays): Promise<Float32Array> {
    const { optimizer } = this;
    const rate = this.learningRate;
    const kind = (this.iterations + 1) % optimizer.gradientAccumulationSteps === 0 ? 'update' : 'accumulate';
    const coefficients = [...optimizer.rule.coefficients(this.updates + 1, rate), rate];
    const sums = await this.steps.step(kind, { ...batch, ...coefficientArrays(coefficients) });
    this.iterations++;
    return sums;
  }

  /** Puts the slots and counts of a checkpoint back. */
  restore(slots: Weights, iterations: number, rate: number | null): void {
    this.steps.restore(slots);
    this.iterations = iterations;
    if (rate !== null) this.#rate = rate;
  }
}
