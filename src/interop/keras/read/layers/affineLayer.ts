import { tf } from '../../../../tensor/tf.js';
import {
  createApply,
  createLayerError,
  type ImportContext,
  type LayerWithWeights,
} from '../structure/importContext.js';

/**
 * Creates a frozen TensorFlow.js layer that computes `x · scale + offset` per channel: a depthwise 1x1 convolution for images, or batch
 * normalization with mean 0 and variance 1 for other inputs.
 *
 * @param weightSlots - Weights of the layer in the file.
 * @param toScaleAndOffset - Computes scale and offset from the weights in the file.
 */
export function createAffineLayer(
  context: ImportContext,
  weightSlots: LayerWithWeights['weightSlots'],
  toScaleAndOffset: (arrays: readonly Float32Array[]) => readonly [scale: Float32Array, offset: Float32Array],
): LayerWithWeights {
  const [shape] = context.inputShapes;
  const channels = shape!.at(-1);
  if (!channels) {
    throw createLayerError(
      context,
      'an input with a fixed number of channels',
      'an input without a fixed number of channels',
      'Set the number of channels in the Input layer, and save the model again.',
    );
  }
  const isImage = shape!.length === 4;
  const layer = isImage
    ? context.createLayer('DepthwiseConv2D', { kernelSize: [1, 1], trainable: false })
    : context.createLayer('BatchNormalization', { epsilon: 0, trainable: false });
  return {
    apply: createApply(layer),
    weightSlots,
    setWeights: (arrays) => {
      const [scale, offset] = toScaleAndOffset(arrays).map((values) =>
        broadcastToChannels(context, values, channels),
      );
      const values = isImage
        ? [tf.tensor(scale!, [1, 1, channels, 1]), tf.tensor1d(offset!)]
        : [tf.tensor1d(scale!), tf.tensor1d(offset!), tf.zeros([channels]), tf.ones([channels])];
      layer.setWeights(values);
      tf.dispose(values);
    },
  };
}

/** Returns one number for each channel. If `values` contains a single number, the number is repeated. */
function broadcastToChannels(context: ImportContext, values: Float32Array, channels: number): Float32Array {
  if (values.length === channels) return values;
  if (values.length === 1) return new Float32Array(channels).fill(values[0]!);
  throw createLayerError(
    context,
    `1 number, or ${channels} numbers (one per channel)`,
    `${values.length} numbers`,
    'Save the model again with Keras.',
  );
}
