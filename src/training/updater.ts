import type { Tensor } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { Network } from '../models/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import type { Weights } from './callback.js';
import { freshSlots, type StepInputs, type StepOutputs, trainedWeights, trainingStep } from './step.js';

/**
 * The part of a run that changes: the optimiser's slots, its count and its rate, beside the weights that the model
 * holds. It owns its tensors until `dispose`.
 */
export class Updater {
  /** Batches seen, counted as Keras counts `iterations`. */
  iterations = 0;
  #rate: number;
  #slots: Tensor[][];

  constructor(
    readonly network: Network,
    readonly optimizer: Optimizer,
    readonly lossWeights: { readonly [task: string]: number },
  ) {
    this.#rate = optimizer.schedule(0);
    this.#slots = freshSlots(network, optimizer);
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

  /** Runs one step and puts its results in place. Returns the batch's sums, which the caller reads and disposes of. */
  step(inputs: Omit<StepInputs, 'coefficients'>): Tensor {
    const { network, optimizer, lossWeights } = this;
    const rate = this.learningRate;
    const kind = (this.iterations + 1) % optimizer.gradientAccumulationSteps === 0 ? 'update' : 'accumulate';
    const coefficients = [...optimizer.rule.coefficients(this.updates + 1, rate), rate].map((value) =>
      tf.scalar(value),
    );
    let result: StepOutputs;
    try {
      result = trainingStep(network, optimizer, lossWeights, kind, { ...inputs, coefficients }, this.#slots);
    } finally {
      tf.dispose(coefficients);
    }
    const trained = trainedWeights(network);
    const assign = (weight: tf.LayerVariable, value: Tensor) => {
      weight.write(value);
      value.dispose();
    };
    for (const [i, value] of result.weights.entries()) assign(trained[i]!, value);
    for (const [weight, value] of result.moved) assign(weight, value);
    const stale = this.#slots.flat().filter((slot) => !result.slots.some((own) => own.includes(slot)));
    this.#slots = result.slots.map((own) => [...own]);
    tf.dispose(stale);
    this.iterations++;
    return result.sums;
  }

  /** A copy of the slots as plain numbers, by weight and place. */
  async slots(): Promise<Weights> {
    const copies: Record<string, Weights[string]> = {};
    for (const [name, slot] of this.#named()) {
      copies[name] = { shape: slot.shape, data: ((await slot.data()) as Float32Array).slice() };
    }
    return copies;
  }

  /** Puts a copy of the slots back. */
  restore(saved: Weights, iterations: number, rate: number | null): void {
    for (const [name, slot, i, j] of this.#named()) {
      const copy = saved[name];
      if (copy?.shape.join() !== slot.shape.join()) {
        throw fault({
          kind: 'checkpoint',
          path: name,
          expected: `slots of shape [${slot.shape.join(', ')}]`,
          received: copy ? `[${copy.shape.join(', ')}]` : 'none',
          advice: 'These slots belong to another network or optimiser.',
        });
      }
      slot.dispose();
      this.#slots[i]![j] = tf.tensor(copy.data, [...copy.shape]);
    }
    this.iterations = iterations;
    if (rate !== null) this.#rate = rate;
  }

  dispose(): void {
    tf.dispose(this.#slots);
    this.#slots = [];
  }

  #named(): [name: string, slot: Tensor, weight: number, slot: number][] {
    return trainedWeights(this.network).flatMap((weight, i) =>
      this.#slots[i]!.map((slot, j): [string, Tensor, number, number] => [
        `${weight.originalName}#${j}`,
        slot,
        i,
        j,
      ]),
    );
  }
}
