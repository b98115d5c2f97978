import type { Tensor1D } from '@tensorflow/tfjs';
import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { countTrainableParams } from './trainableWeights.js';

/** Name of the optimizer slot in which gradient accumulation sums the gradients until the next update. */
export const GRADIENT_SUM = 'gradient_sum';

/**
 * Returns the names of an optimizer's slots, such as the moments of Adam. A slot is one vector with a number for each trainable parameter
 * of the network.
 */
export function getSlotNames({ rule, gradientAccumulationSteps }: Optimizer): readonly string[] {
  return gradientAccumulationSteps > 1 ? [...rule.slots, GRADIENT_SUM] : rule.slots;
}

/** Creates the optimizer slots for the first step, filled with zeros. The caller must dispose of the tensors. */
export function createZeroSlots(network: Network, optimizer: Optimizer): Tensor1D[] {
  return getSlotNames(optimizer).map(() => tf.zeros([countTrainableParams(network)]));
}
