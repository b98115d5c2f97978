import { fault } from '../core/errors.js';
import type { Network } from '../models/network.js';
import type { Steps } from './steps.js';

/** Networks that a run changes now, with what holds their weights meanwhile. */
const training = new WeakMap<Network, { steps?: Steps }>();

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
  training.set(network, {});
}

/** Tells who holds the weights of a network in training. */
export function held(network: Network, steps: Steps): void {
  training.set(network, { steps });
}

/** Ends the claim. */
export function release(network: Network): void {
  training.delete(network);
}

/** Brings the variables of a network in training up to its last step; others are as they are. */
export function settle(network: Network): void {
  training.get(network)?.steps?.settle();
}
