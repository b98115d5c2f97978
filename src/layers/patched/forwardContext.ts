import type { LayerVariable, Tensor } from '@tensorflow/tfjs';

/** Weight of a layer, stored in a variable. */
export type Weight = LayerVariable;

/**
 * Additional inputs and outputs of layers in the forward pass of a training step: dropout masks are inputs, moving statistics are outputs.
 * Layers that use this context draw no random numbers and write no weights, so a step is a pure function of tensors.
 */
export interface ForwardContext {
  /** Returns the dropout mask (zeros and ones) for the next call of a layer, in the shape that the layer's `computeMaskShape` returns. */
  getMask(layerName: string): Tensor;
  /**
   * Returns the value of a weight in this pass: the value that an earlier call of {@link updateWeight} set, otherwise the value of the
   * variable.
   */
  readWeight(weight: Weight): Tensor;
  /** Sets the new value of a non-trainable weight, such as a moving mean. The code that runs the pass disposes of the value. */
  updateWeight(weight: Weight, value: Tensor): void;
}

/** Keyword arguments of a layer's `call` method in the forward pass of a step. */
export interface CallArguments {
  readonly training?: boolean;
  readonly forwardContext?: ForwardContext;
  /** Whether all inputs of the layer are inputs of the executed graph, so that their gradients are not needed. */
  readonly areInputsExternal?: boolean;
}
