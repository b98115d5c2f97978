import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { fault } from '../core/errors.js';
import type { Network } from '../models/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { stepInputsOf, tensorsOf } from './batch.js';
import type { Weights } from './callback.js';
import { freshSlots, slotNames, trainedSize, trainedWeights, trainingStep } from './step.js';
import type { Steps } from './steps.js';

/** Steps that TensorFlow.js runs operation by operation, on the backend in use. The weights are the model's variables. */
export function eagerSteps(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
): Steps {
  const names = slotNames(optimizer);
  const trained = trainedWeights(network);
  let slots = freshSlots(network, optimizer);
  return {
    step: async (kind, arrays) => {
      const tensors = tensorsOf(arrays);
      let sums: Tensor | undefined;
      try {
        const inputs = stepInputsOf(network, tensors);
        const result = trainingStep(network, optimizer, lossWeights, kind, inputs, slots);
        const changed = [...result.weights.map((value, i) => [trained[i]!, value] as const), ...result.moved];
        for (const [weight, value] of changed) weight.write(value);
        tf.dispose([result.gradient, ...changed.map(([, value]) => value), ...slots]);
        slots = [...result.slots];
        sums = result.sums;
        return (await sums.data()) as Float32Array;
      } finally {
        tf.dispose([...Object.values(tensors), ...(sums ? [sums] : [])]);
      }
    },
    settle: () => {},
    slots: async () => {
      const copies: Record<string, Weights[string]> = {};
      for (const [i, name] of names.entries()) {
        copies[name] = { shape: slots[i]!.shape, data: ((await slots[i]!.data()) as Float32Array).slice() };
      }
      return copies;
    },
    restore: (saved) => {
      checkSlots(saved, names, trainedSize(network));
      tf.dispose(slots);
      slots = names.map((name) => tf.tensor1d(saved[name]!.data) as Tensor1D);
    },
    dispose: () => {
      tf.dispose(slots);
      slots = [];
    },
  };
}

/** Throws a `checkpoint` fault unless `saved` has every slot, as long as it must be. */
export function checkSlots(saved: Weights, names: readonly string[], size: number): void {
  const wrong = names.find((name) => saved[name]?.data.length !== size);
  if (wrong === undefined) return;
  throw fault({
    kind: 'checkpoint',
    path: wrong,
    expected: `a slot of ${size} numbers`,
    received: saved[wrong] ? `${saved[wrong].data.length} numbers` : 'none',
    advice: 'These slots belong to another network or optimiser.',
  });
}
