import type { Tensor } from '@tensorflow/tfjs';
import { batchNormInference, batchNormTraining } from '../../tensor/ops/batchNormalization.js';
import { getStockLayerClass } from '../../tensor/stockLayers.js';
import { tf } from '../../tensor/tf.js';
import type { CallArguments, Weight } from './forwardContext.js';

interface StockBatchNormalization extends tf.layers.Layer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma: Weight | undefined;
  readonly beta: Weight | undefined;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
}

/**
 * Batch normalization layer (S. Ioffe and C. Szegedy, 2015) whose statistics and frozen state match Keras 3 `BatchNormalization`
 * (layers/normalization/batch_normalization.py). Both the output and the moving average use the biased variance. If `trainable` is false,
 * the layer uses its moving statistics and does not update them, even in training. The TensorFlow.js layer ignores `trainable`, and updates
 * its statistics inside `call`, so that a step would not be a pure function.
 */
export class BatchNormalization extends getStockLayerClass<StockBatchNormalization>('BatchNormalization') {
  override call(inputs: Tensor | Tensor[], kwargs: CallArguments): Tensor | Tensor[] {
    const { forwardContext, training = false } = kwargs;
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    if (!training || !this.trainable) {
      const [mean, variance] = [this.movingMean.read(), this.movingVariance.read()];
      const fixed = { mean, variance, gamma: this.gamma?.read(), beta: this.beta?.read() };
      return batchNormInference(x, fixed, this.epsilon);
    }
    if (!forwardContext) return super.call(inputs, kwargs);
    return tf.tidy(() => {
      const { y, mean, variance } = batchNormTraining(x, this.gamma?.read(), this.beta?.read(), this.epsilon);
      const updateMovingAverage = (weight: Weight, batch: Tensor) => {
        const previous = forwardContext.readWeight(weight);
        forwardContext.updateWeight(
          weight,
          tf.add(tf.mul(previous, this.momentum), tf.mul(batch, 1 - this.momentum)),
        );
      };
      updateMovingAverage(this.movingMean, mean);
      updateMovingAverage(this.movingVariance, variance);
      return y;
    });
  }
}
