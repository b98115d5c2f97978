import type { tf } from '../tensor/tf.js';

/** Who works on the weights of a model at the moment, elsewhere than in its variables. */
const syncCallbacks = new WeakMap<tf.LayersModel, () => void>();

/** Says how to bring a model's variables up to date while somebody works on its weights; undefined when nobody does any more. */
export function setWeightSync(model: tf.LayersModel, settle: (() => void) | undefined): void {
  if (settle) syncCallbacks.set(model, settle);
  else syncCallbacks.delete(model);
}

/** Brings the variables of a model in training up to its last step; those of others are as they are. */
export function syncWeights(model: tf.LayersModel): void {
  syncCallbacks.get(model)?.();
}
