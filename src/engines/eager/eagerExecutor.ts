import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { createError } from '../../core/errors/errors.js';
import type { Network } from '../../network/network.js';
import type { Weights } from '../../network/weights.js';
import type { Optimizer } from '../../optimizers/optimizer.js';
import type { Executor } from '../../steps/executor.js';
import { createZeroSlots, getSlotNames } from '../../steps/optimizerSlots.js';
import { toStepInputs, toTensors } from '../../steps/stepArrays.js';
import { countTrainableParams, getTrainableWeights } from '../../steps/trainableWeights.js';
import { computeTrainingStep } from '../../steps/trainingStep.js';
import { tf } from '../../tensor/tf.js';

/**
 * Creates an executor that runs training steps operation by operation on the active TensorFlow.js backend. The executor writes new weights
 * directly to the variables of the model.
 */
export function createEagerExecutor(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
): Executor {
  const slotNames = getSlotNames(optimizer);
  const trainableWeights = getTrainableWeights(network);
  let slots = createZeroSlots(network, optimizer);
  return {
    runStep: async (kind, arrays) => {
      const tensors = toTensors(arrays);
      let sums: Tensor | undefined;
      try {
        const inputs = toStepInputs(network, tensors);
        const result = computeTrainingStep(network, optimizer, lossWeights, kind, inputs, slots);
        const updates = [
          ...result.weights.map((value, i) => [trainableWeights[i]!, value] as const),
          ...result.nonTrainableUpdates,
        ];
        for (const [weight, value] of updates) weight.write(value);
        tf.dispose([result.gradient, ...updates.map(([, value]) => value), ...slots]);
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
      for (const [i, name] of slotNames.entries()) {
        copies[name] = { shape: slots[i]!.shape, data: ((await slots[i]!.data()) as Float32Array).slice() };
      }
      return copies;
    },
    setSlots: (saved) => {
      checkSlots(saved, slotNames, countTrainableParams(network));
      tf.dispose(slots);
      slots = slotNames.map((name) => tf.tensor1d(saved[name]!.data) as Tensor1D);
    },
    dispose: () => {
      tf.dispose(slots);
      slots = [];
    },
  };
}

/** Throws a `checkpoint` error unless `saved` contains every optimizer slot in `slotNames`, each with `size` numbers. */
export function checkSlots(saved: Weights, slotNames: readonly string[], size: number): void {
  const mismatch = slotNames.find((name) => saved[name]?.data.length !== size);
  if (mismatch === undefined) return;
  throw createError({
    kind: 'checkpoint',
    path: mismatch,
    expected: `an optimizer slot of ${size} numbers`,
    received: saved[mismatch]
      ? `an optimizer slot of ${saved[mismatch].data.length} numbers`
      : 'a checkpoint without this slot',
    advice: 'Pass the checkpoint of a run with the same network and the same optimizer.',
  });
}
