import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { createError } from '../../core/errors/errors.js';
import type { Network } from '../../network/network.js';
import type { Weights } from '../../network/weights.js';
import type { Optimizer } from '../../optimizers/optimizer.js';
import { createZeroSlots, getSlotNames } from '../../steps/optimizerSlots.js';
import { toStepInputs, toTensors } from '../../steps/stepArrays.js';
import { countTrainableParams, getTrainableWeights } from '../../steps/trainableWeights.js';
import { computeTrainingStep } from '../../steps/trainingStep.js';
import { tf } from '../../tensor/tf.js';
import type { Executor } from '../executor.js';

/** Steps that TensorFlow.js runs operation by operation, on the backend in use. The weights are the model's variables. */
export function createEagerExecutor(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
): Executor {
  const names = getSlotNames(optimizer);
  const trained = getTrainableWeights(network);
  let slots = createZeroSlots(network, optimizer);
  return {
    runStep: async (kind, arrays) => {
      const tensors = toTensors(arrays);
      let sums: Tensor | undefined;
      try {
        const inputs = toStepInputs(network, tensors);
        const result = computeTrainingStep(network, optimizer, lossWeights, kind, inputs, slots);
        const changed = [
          ...result.weights.map((value, i) => [trained[i]!, value] as const),
          ...result.nonTrainableUpdates,
        ];
        for (const [weight, value] of changed) weight.write(value);
        tf.dispose([result.gradient, ...changed.map(([, value]) => value), ...slots]);
        slots = [...result.slots];
        sums = result.sums;
        return (await sums.data()) as Float32Array;
      } finally {
        tf.dispose([...Object.values(tensors), ...(sums ? [sums] : [])]);
      }
    },
    syncWeights: () => {},
    getSlots: async () => {
      const copies: Record<string, Weights[string]> = {};
      for (const [i, name] of names.entries()) {
        copies[name] = { shape: slots[i]!.shape, data: ((await slots[i]!.data()) as Float32Array).slice() };
      }
      return copies;
    },
    setSlots: (saved) => {
      checkSlots(saved, names, countTrainableParams(network));
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
  const mismatch = names.find((name) => saved[name]?.data.length !== size);
  if (mismatch === undefined) return;
  throw createError({
    kind: 'checkpoint',
    path: mismatch,
    expected: `an optimizer slot of ${size} numbers`,
    received: saved[mismatch] ? `${saved[mismatch].data.length} numbers` : 'no such slot',
    advice: 'Give the state of a run with the same network and the same optimizer.',
  });
}
