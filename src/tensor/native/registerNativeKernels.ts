import { BIAS_RELU_GRADIENT } from '../kernels/biasReluGradient.js';
import { tf } from '../tf.js';
import { registerBatchNorm } from './batchNorm.js';
import { registerFusedConvolutions } from './convolution.js';
import { registerMaxPool } from './maxPool.js';
import { registerBiasReluGradient, registerReluGradients } from './reluGradients.js';
import { fixStridedFilterGradient } from './stridedFilterGradient.js';

/**
 * Registers TensorFlow's fused operations in place of chains of small ones. TensorFlow's backend must be in use. Does nothing
 * when they are in TensorFlow.js's registry already, which all copies of this library in a process share.
 */
export function registerNativeKernels(): void {
  if (tf.getKernel(BIAS_RELU_GRADIENT, 'tensorflow')) return;
  registerBiasReluGradient();
  registerReluGradients();
  registerBatchNorm();
  registerMaxPool();
  registerFusedConvolutions();
  fixStridedFilterGradient();
}
