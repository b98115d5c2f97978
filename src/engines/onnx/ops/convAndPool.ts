import { POOLED_BIAS_RELU_GRADIENT } from '../trace/simplifyTrace.js';
import { createPoolLowering, lowerConv, lowerDepthwiseConv } from './conv.js';
import { lowerBiasReluGradient } from './gradients/batchNorm.js';
import { lowerConvFilterGradient, lowerConvInputGradient } from './gradients/convGradients.js';
import {
  lowerDepthwiseConvFilterGradient,
  lowerDepthwiseConvInputGradient,
} from './gradients/depthwiseConvGradients.js';
import { lowerMaxPoolGradient, lowerPooledBiasReluGradient } from './gradients/maxPoolGradient.js';
import { lowerAveragePoolGradient } from './gradients/poolGradients.js';
import type { OpTable } from './opRegistry.js';

/** Kernels that look at images through windows: convolutions and pooling. */
export const convAndPoolOps: OpTable = {
  Conv2D: lowerConv,
  FusedConv2D: lowerConv,
  Conv2DBackpropInput: lowerConvInputGradient,
  Conv2DBackpropFilter: lowerConvFilterGradient,
  MultitaskBiasReluGradient: lowerBiasReluGradient,
  DepthwiseConv2dNative: lowerDepthwiseConv,
  FusedDepthwiseConv2D: lowerDepthwiseConv,
  DepthwiseConv2dNativeBackpropInput: lowerDepthwiseConvInputGradient,
  DepthwiseConv2dNativeBackpropFilter: lowerDepthwiseConvFilterGradient,
  MaxPool: createPoolLowering('MaxPool'),
  MaxPoolGrad: lowerMaxPoolGradient,
  [POOLED_BIAS_RELU_GRADIENT]: lowerPooledBiasReluGradient,
  AvgPool: createPoolLowering('AveragePool'),
  AvgPoolGrad: lowerAveragePoolGradient,
};
