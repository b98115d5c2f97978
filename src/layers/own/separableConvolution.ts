import { getStockLayerClass } from '../../tensor/stockLayers.js';
import type { tf } from '../../tensor/tf.js';

interface StockSeparable extends tf.layers.Layer {
  readonly depthMultiplier: number;
}

/** A separable convolution that says how many channels it makes of each: the stock layer forgets it when it is saved. */
export class SeparableConv2D extends getStockLayerClass<StockSeparable>('SeparableConv2D') {
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), depthMultiplier: this.depthMultiplier };
  }
}
