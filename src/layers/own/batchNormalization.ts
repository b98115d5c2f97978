import type { Tensor } from '@tensorflow/tfjs';
import { batchNormInference, batchNormTraining } from '../../tensor/batchNormalization.js';
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
 * Batch normalisation (S. Ioffe and C. Szegedy, 2015) with Keras's statistics and a freeze that freezes, as in Keras 3
 * `BatchNormalization` (layers/normalization/batch_normalization.py): biased variance for the output and the moving
 * average alike; with `trainable` false it uses its moving statistics and leaves them alone, also while training. The
 * stock layer looks at `training` only and writes its statistics inside `call`.
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
      const move = (weight: Weight, batch: Tensor) => {
        const old = forwardContext.readWeight(weight);
        forwardContext.updateWeight(
          weight,
          tf.add(tf.mul(old, this.momentum), tf.mul(batch, 1 - this.momentum)),
        );
      };
      move(this.movingMean, mean);
      move(this.movingVariance, variance);
      return y;
    });
  }
}
