import type { Tensor1D } from '@tensorflow/tfjs';
import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { tf } from '../tensor/tf.js';
import { countTrainableParams } from './trainableWeights.js';

/** The slot that gradients are added up in until there are enough for an update. */
export const GRADIENT_SUM = 'gradient_sum';

/** What an optimiser keeps between steps, each one vector over all trained weights end to end. */
export function getSlotNames({ rule, gradientAccumulationSteps }: Optimizer): readonly string[] {
  return gradientAccumulationSteps > 1 ? [...rule.slots, GRADIENT_SUM] : rule.slots;
}

/** Slots as they stand before the first step: zeros. The caller owns them. */
export function createZeroSlots(network: Network, optimizer: Optimizer): Tensor1D[] {
  return getSlotNames(optimizer).map(() => tf.zeros([countTrainableParams(network)]));
}
