import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { averagePoolSame } from '../../tensor/ops/averagePooling.js';
import { getStockLayerClass } from '../../tensor/stockLayers.js';
import type { tf } from '../../tensor/tf.js';
import type { CallArguments } from './forwardContext.js';

interface StockPooling extends tf.layers.Layer {
  readonly poolSize: [number, number];
  readonly strides: [number, number];
  readonly padding: 'valid' | 'same';
  readonly dataFormat: 'channelsFirst' | 'channelsLast';
}

/**
 * Average pooling layer whose gradient at padded borders matches Keras. The gradient of the TensorFlow.js layer is incorrect at these
 * borders.
 */
export class AveragePooling2D extends getStockLayerClass<StockPooling>('AveragePooling2D') {
  override call(inputs: Tensor | Tensor[], kwargs: CallArguments): Tensor | Tensor[] {
    const stock = !kwargs.training || this.padding !== 'same' || this.dataFormat === 'channelsFirst';
    if (stock) return super.call(inputs, kwargs);
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
    return averagePoolSame(x, this.poolSize, this.strides);
  }
}
