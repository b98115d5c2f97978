import { createError } from '../core/errors/errors.js';
import type { Network } from '../network/network.js';

/** Networks that a run changes now. */
const networksInTraining = new WeakSet<Network>();

/** Marks the network as training; throws an `argument` fault when it is. */
export function acquireTrainingLock(network: Network): void {
  if (networksInTraining.has(network)) {
    throw createError({
      kind: 'argument',
      path: 'fit',
      expected: 'a model that is not being trained',
      received: 'a model that another fit() is training',
      advice: 'Await the first fit(), or build a second model.',
    });
  }
  networksInTraining.add(network);
}

/** Whether a run changes the network now. */
export const isInTraining = (network: Network): boolean => networksInTraining.has(network);

/** Ends the claim. */
export function releaseTrainingLock(network: Network): void {
  networksInTraining.delete(network);
}
