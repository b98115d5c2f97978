import type { Tensor } from '@tensorflow/tfjs';
import type { tf } from '../../tensor/tf.js';

/** A weight of a layer: `tf.LayerVariable` under the name its own class uses. */
export type Weight = tf.LayerVariable;

/**
 * What a training pass hands to our layers and takes from them, so that a step stays a function of tensors: masks
 * come in, new moving statistics go out, and nothing is drawn or written inside.
 */
export interface ForwardContext {
  /** The 0/1 mask drawn for the next call of the layer called `layer`, of the shape that call asked for. */
  getMask(layer: string): Tensor;
  /** The value of a weight as this pass sees it: what an earlier call in the same pass made of it, or its own. */
  readWeight(weight: Weight): Tensor;
  /** Tells the new value of a weight that is not trained, such as a moving mean. The caller disposes of it. */
  updateWeight(weight: Weight, value: Tensor): void;
}

/** The keyword arguments under which a pass reaches `call`. */
export interface CallArguments {
  readonly training?: boolean;
  readonly forwardContext?: ForwardContext;
  /** Whether all inputs come from outside the pass: nobody asks for their gradient. */
  readonly areInputsExternal?: boolean;
}
