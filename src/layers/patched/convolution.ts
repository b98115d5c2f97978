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
 * Convolution that fuses bias and relu in training, so that the gradient tape stores one output instead of three. The TensorFlow.js layer
 * fuses them only in inference.
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
 * Depthwise convolution that fuses bias and relu in training. It also saves its constraint correctly: the TensorFlow.js layer saves the
 * regularizer under the name of the constraint, which no loader accepts.
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
 * Returns the options of the fused operation, or undefined if the TensorFlow.js layer must run, because of another activation or channels
 * first.
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
