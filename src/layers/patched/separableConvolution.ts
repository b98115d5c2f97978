import { getStockLayerClass } from '../../tensor/stockLayers.js';
import type { tf } from '../../tensor/tf.js';

interface StockSeparable extends tf.layers.Layer {
  readonly depthMultiplier: number;
}

/** Separable convolution that saves its depth multiplier. The TensorFlow.js layer does not save it. */
export class SeparableConv2D extends getStockLayerClass<StockSeparable>('SeparableConv2D') {
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), depthMultiplier: this.depthMultiplier };
  }
}
