import type { LayerVariable, Tensor } from '@tensorflow/tfjs';
import type { tf } from '../../tensor/tf.js';

/** A weight of a layer. */
export type Weight = LayerVariable;

/**
 * Additional inputs and outputs of this library's layers in a training pass. Masks are inputs and moving statistics are outputs. No layer
 * draws random numbers or writes weights, so a step is a pure function of tensors.
 */
export interface ForwardContext {
  /** Returns the 0/1 mask for the next call of a layer. The mask has the shape that `computeMaskShape` of the layer returns. */
  getMask(layerName: string): Tensor;
  /**
   * Returns the value of a weight in this pass: the value that an earlier call in the same pass has set, or else the value of the variable.
   */
  readWeight(weight: Weight): Tensor;
  /** Sets the new value of a weight that is not trained, such as a moving mean. The caller of the pass disposes of the value. */
  updateWeight(weight: Weight, value: Tensor): void;
}

/** Keyword arguments of `call` in a pass. */
export interface CallArguments {
  readonly training?: boolean;
  readonly forwardContext?: ForwardContext;
  /** Whether all inputs come from outside the pass, so that their gradient is not needed. */
  readonly areInputsExternal?: boolean;
}
