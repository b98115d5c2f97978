import { getStockLayerClass } from '../../tensor/stockLayers.js';
import type { tf } from '../../tensor/tf.js';

interface StockSeparable extends tf.layers.Layer {
  readonly depthMultiplier: number;
}

/** Separable convolution layer that includes its depth multiplier in a saved model. The TensorFlow.js layer omits the multiplier. */
export class SeparableConv2D extends getStockLayerClass<StockSeparable>('SeparableConv2D') {
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), depthMultiplier: this.depthMultiplier };
  }
}
