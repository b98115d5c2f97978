import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import { type ConvolutionOptions, convolution, depthwiseConvolution } from '../../tensor/ops/convolution.js';
import { getStockLayerClass } from '../../tensor/stockLayers.js';
import type { tf } from '../../tensor/tf.js';
import type { CallArguments, Weight } from './forwardContext.js';

interface StockConvolution extends tf.layers.Layer {
  readonly kernel: Weight;
  readonly bias: Weight | null;
  readonly strides: readonly number[];
  readonly padding: 'valid' | 'same';
  readonly dataFormat: 'channelsFirst' | 'channelsLast';
  readonly dilationRate: readonly number[];
  readonly activation: { getClassName(): string } | null;
}

interface StockDepthwise extends StockConvolution {
  readonly depthwiseKernel: Weight;
  readonly depthwiseConstraint: tf.serialization.Serializable | null;
}

/**
 * Convolution layer that fuses bias and ReLU in training, so that the gradient tape stores one output instead of three. The TensorFlow.js
 * layer fuses them only in inference.
 */
export class Conv2D extends getStockLayerClass<StockConvolution>('Conv2D') {
  override call(inputs: Tensor | Tensor[], kwargs: CallArguments): Tensor | Tensor[] {
    const options = getFusedOptions(this, kwargs);
    if (!options) return super.call(inputs, kwargs);
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
    return convolution(x, this.kernel.read() as Tensor4D, this.bias?.read() as Tensor1D | undefined, options);
  }
}

/**
 * Depthwise convolution layer that fuses bias and ReLU in training. It also saves its constraint correctly: the TensorFlow.js layer saves
 * the regularizer in place of the constraint, so that the saved model cannot be loaded.
 */
export class DepthwiseConv2D extends getStockLayerClass<StockDepthwise>('DepthwiseConv2D') {
  override call(inputs: Tensor | Tensor[], kwargs: CallArguments): Tensor | Tensor[] {
    const options = getFusedOptions(this, kwargs);
    if (!options) return super.call(inputs, kwargs);
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
    const filter = this.depthwiseKernel.read() as Tensor4D;
    return depthwiseConvolution(x, filter, this.bias?.read() as Tensor1D | undefined, options);
  }

  override getConfig(): tf.serialization.ConfigDict {
    const constraint = this.depthwiseConstraint;
    const depthwiseConstraint = constraint && {
      className: constraint.getClassName(),
      config: constraint.getConfig(),
    };
    return { ...super.getConfig(), depthwiseConstraint };
  }
}

/**
 * Returns the options for the fused operation. Returns undefined if the layer is not in training, or has an activation or a data format
 * that the fused operation does not support; the original TensorFlow.js layer is then called.
 */
function getFusedOptions(
  layer: StockConvolution,
  { training, forwardContext, areInputsExternal }: CallArguments,
): ConvolutionOptions | undefined {
  const activation = layer.activation?.getClassName() ?? 'linear';
  if (!training || !forwardContext || layer.dataFormat === 'channelsFirst') return undefined;
  if (activation !== 'relu' && activation !== 'linear') return undefined;
  return {
    strides: layer.strides as [number, number],
    padding: layer.padding,
    dilations: layer.dilationRate as [number, number],
    activation,
    needsInputGradient: !areInputsExternal,
  };
}
