import { BIAS_RELU_GRADIENT } from '../kernels/biasReluGradient.js';
import { tf } from '../tf.js';
import { registerBatchNorm } from './batchNorm.js';
import { registerFusedConvolutions } from './convolution.js';
import { fixDilatedDepthwiseGradients } from './dilatedDepthwiseGradients.js';
import { registerMaxPool } from './maxPool.js';
import { registerBiasReluGradient, registerReluGradients } from './reluGradients.js';
import { fixSingleChannelConvolution } from './singleChannelConvolution.js';
import { fixStridedFilterGradient } from './stridedFilterGradient.js';

/**
 * Registers kernels that run TensorFlow's fused operations instead of sequences of small operations. The backend of tfjs-node must be
 * active. Does nothing if the kernels are already registered, because all copies of this library in a process share the registry of
 * TensorFlow.js.
 */
export function registerNativeKernels(): void {
  if (tf.getKernel(BIAS_RELU_GRADIENT, 'tensorflow')) return;
  registerBiasReluGradient();
  registerReluGradients();
  registerBatchNorm();
  registerMaxPool();
  registerFusedConvolutions();
  fixDilatedDepthwiseGradients();
  fixSingleChannelConvolution();
  fixStridedFilterGradient();
}
