import type { Tensor } from '@tensorflow/tfjs';
import { getStockLayerClass } from '../../tensor/stockLayers.js';
import { tf } from '../../tensor/tf.js';
import type { CallArguments } from './forwardContext.js';

interface StockDropout extends tf.layers.Layer {
  readonly rate: number;
  readonly noiseShape: readonly (number | null)[] | null;
}

/**
 * Dropout layer that receives its mask as an input (N. Srivastava et al., 2014). In training, it multiplies its input by the mask and
 * divides it by `1 - rate`, like Keras 3 `Dropout` (layers/regularization/dropout.py). In inference, it returns its input unchanged. The
 * TensorFlow.js layer draws the mask inside `call`, so the mask can be neither traced nor reproduced when a run is resumed.
 */
export class Dropout extends getStockLayerClass<StockDropout>('Dropout') {
  override call(inputs: Tensor | Tensor[], kwargs: CallArguments): Tensor | Tensor[] {
    if (!kwargs.forwardContext || !kwargs.training || this.rate === 0) return super.call(inputs, kwargs);
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.mul(x, tf.div(kwargs.forwardContext.getMask(this.name), 1 - this.rate));
  }

  /**
   * Computes the shape of the dropout mask for one call of the layer; `node` is the index of the call. Returns undefined if the rate is 0,
   * because no mask is needed.
   */
  computeMaskShape(batch: number, node = 0): number[] | undefined {
    if (this.rate === 0) return undefined;
    const shape = (this.inboundNodes[node]!.inputShapes[0] as (number | null)[]).slice(1);
    return [batch, ...shape].map((size, i) => this.noiseShape?.[i] ?? size!);
  }
}
