import { convolutionFilter, convolutionInput } from './convolutionGradients.js';
import { depthwiseFilter, depthwiseInput } from './depthwiseGradients.js';
import { POOLED_BIAS_RELU_GRADIENT } from './fusion.js';
import { biasReluGradient } from './gradients.js';
import { convolution, depthwise, pool } from './images.js';
import type { Operations } from './operations.js';
import { averagePoolGradient } from './poolGradients.js';
import { pooledBiasReluGradient, unpooled } from './unpool.js';

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
  MaxPoolGrad: unpooled,
  [POOLED_BIAS_RELU_GRADIENT]: pooledBiasReluGradient,
  AvgPool: pool('AveragePool'),
  AvgPoolGrad: averagePoolGradient,
};
