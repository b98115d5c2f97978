import { fault } from '../core/errors.js';
import type { Network } from '../models/network.js';
import { settledBy } from '../models/settle.js';

/** Networks that a run changes now. */
const training = new WeakSet<Network>();

/** Marks the network as training; throws an `argument` fault when it is. */
export function claim(network: Network): void {
  if (training.has(network)) {
    throw fault({
      kind: 'argument',
      path: 'fit',
      expected: 'a model that nothing trains',
      received: 'one that another fit() is training',
      advice: 'Await the first, or build a second model.',
    });
  }
  training.add(network);
}

/** Whether a run changes the network now. */
export const isClaimed = (network: Network): boolean => training.has(network);

/** Ends the claim. */
export function release(network: Network): void {
  settledBy(network.layersModel, undefined);
  training.delete(network);
}
