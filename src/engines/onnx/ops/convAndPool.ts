import { POOLED_BIAS_RELU_GRADIENT } from './context/fusedKernels.js';
import type { OpTable } from './context/loweringContext.js';
import { lowerConv, lowerDepthwiseConv } from './conv.js';
import { lowerBiasReluGradient } from './gradients/biasReluGradient.js';
import { lowerConvFilterGradient, lowerConvInputGradient } from './gradients/convGradients.js';
import {
  lowerDepthwiseConvFilterGradient,
  lowerDepthwiseConvInputGradient,
} from './gradients/depthwiseConvGradients.js';
import { lowerMaxPoolGradient } from './gradients/maxPoolGradient.js';
import { lowerPooledBiasReluGradient } from './gradients/pooledBiasReluGradient.js';
import { lowerAveragePoolGradient } from './gradients/poolGradients.js';
import { imageProductOps } from './imageProducts.js';
import { createPoolLowering } from './pool.js';

/** Lowerings of the kernels that slide a window over images: convolutions, pooling and their gradients. */
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
  ...imageProductOps,
};
