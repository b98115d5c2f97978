import { depthwiseFilter, depthwiseInput } from './depthwiseGradients.js';
import { biasReluGradient, convolutionFilter, convolutionInput } from './gradients.js';
import { convolution, depthwise, pool } from './images.js';
import type { Operations } from './operations.js';
import { anyMaxPoolGradient, averagePoolGradient } from './poolGradients.js';

/** Kernels that look at images through windows: convolutions and pooling. */
export const windows: Operations = {
  Conv2D: convolution,
  FusedConv2D: convolution,
  Conv2DBackpropInput: convolutionInput,
  Conv2DBackpropFilter: convolutionFilter,
  MultitaskBiasReluGradient: biasReluGradient,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2D: depthwise,
  DepthwiseConv2dNativeBackpropInput: depthwiseInput,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilter,
  MaxPool: pool('MaxPool'),
  MaxPoolGrad: anyMaxPoolGradient,
  AvgPool: pool('AveragePool'),
  AvgPoolGrad: averagePoolGradient,
};
