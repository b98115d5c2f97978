import type { Tensor } from '@tensorflow/tfjs';
import { getStockLayerClass } from '../../tensor/stockLayers.js';
import { tf } from '../../tensor/tf.js';
import type { CallArguments } from './forwardContext.js';

interface StockDropout extends tf.layers.Layer {
  readonly rate: number;
  readonly noiseShape: readonly (number | null)[] | null;
}

/**
 * Dropout whose mask is an input (N. Srivastava et al., 2014). In training it keeps the values where the mask is 1 and divides them by
 * `1 - rate`, like Keras 3 `Dropout` (layers/regularization/dropout.py). In inference it returns its input. The TensorFlow.js layer draws the
 * mask inside `call`, which an engine cannot trace and a resumed run cannot reproduce.
 */
export class Dropout extends getStockLayerClass<StockDropout>('Dropout') {
  override call(inputs: Tensor | Tensor[], kwargs: CallArguments): Tensor | Tensor[] {
    if (!kwargs.forwardContext || !kwargs.training || this.rate === 0) return super.call(inputs, kwargs);
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.mul(x, tf.div(kwargs.forwardContext.getMask(this.name), 1 - this.rate));
  }

  /** Computes the shape of the mask for the call of the layer with index `node`. Returns undefined for a rate of 0. */
  computeMaskShape(batch: number, node = 0): number[] | undefined {
    if (this.rate === 0) return undefined;
    const shape = (this.inboundNodes[node]!.inputShapes[0] as (number | null)[]).slice(1);
    return [batch, ...shape].map((size, i) => this.noiseShape?.[i] ?? size!);
  }
}
