import { createError } from '../core/errors/errors.js';
import type { Network } from '../network/network.js';

/** Networks that are currently being trained by `fit`. */
const networksInTraining = new WeakSet<Network>();

/** Locks a network for a call to `fit`. Throws an `argument` error if another call to `fit` is training the network. */
export function acquireTrainingLock(network: Network): void {
  if (networksInTraining.has(network)) {
    throw createError({
      kind: 'argument',
      path: 'fit',
      expected: 'a model that is not being trained',
      received: 'a model that another call to fit() is training',
      advice: 'Await the first call to fit(), or build a second model.',
    });
  }
  networksInTraining.add(network);
}

/** Returns whether a call to `fit` is training the network. */
export const isInTraining = (network: Network): boolean => networksInTraining.has(network);

/** Unlocks a network at the end of `fit`. */
export function releaseTrainingLock(network: Network): void {
  networksInTraining.delete(network);
}
