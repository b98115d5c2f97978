import { registerBatchNorm } from './batchNorm.js';
import { registerFusedConvolutions } from './convolution.js';
import { registerMaxPool } from './maxPool.js';
import { registerBiasReluGradient, registerReluGradients } from './reluGradients.js';
import { fixStridedFilterGradient } from './stridedFilterGradient.js';

let isRegistered = false;

/**
 * Registers TensorFlow's fused operations in place of chains of small ones, in this whole process; the second call
 * does nothing. TensorFlow's backend must be in use.
 */
export function registerNativeKernels(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerBiasReluGradient();
  registerReluGradients();
  registerBatchNorm();
  registerMaxPool();
  registerFusedConvolutions();
  fixStridedFilterGradient();
}
