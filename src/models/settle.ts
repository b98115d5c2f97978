import type { tf } from '../tensor/tf.js';

/** Who works on the weights of a model at the moment, elsewhere than in its variables. */
const workers = new WeakMap<tf.LayersModel, () => void>();

/** Says how to bring a model's variables up to date while somebody works on its weights; undefined when nobody does any more. */
export function settledBy(model: tf.LayersModel, settle: (() => void) | undefined): void {
  if (settle) workers.set(model, settle);
  else workers.delete(model);
}

/** Brings the variables of a model in training up to its last step; those of others are as they are. */
export function settle(model: tf.LayersModel): void {
  workers.get(model)?.();
}
