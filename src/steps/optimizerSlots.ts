import type { Tensor1D } from '@tensorflow/tfjs';
import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { countTrainableParams } from './trainableWeights.js';

/** Name of the slot that accumulates gradients between two updates. */
export const GRADIENT_SUM = 'gradient_sum';

/** Returns the names of an optimizer's slots. A slot is one vector over all trainable weights, concatenated. */
export function getSlotNames({ rule, gradientAccumulationSteps }: Optimizer): readonly string[] {
  return gradientAccumulationSteps > 1 ? [...rule.slots, GRADIENT_SUM] : rule.slots;
}

/** Creates the slots for the first step, which contain zeros. The caller owns the tensors. */
export function createZeroSlots(network: Network, optimizer: Optimizer): Tensor1D[] {
  return getSlotNames(optimizer).map(() => tf.zeros([countTrainableParams(network)]));
}
