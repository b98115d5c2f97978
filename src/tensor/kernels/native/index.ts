import { registerBatchNorm } from './batchNorm.js';
import { mendFilterGradient, registerFusedConvolutions } from './convolution.js';
import { registerMaxPool } from './maxPool.js';
import { registerBiasReluGradient, registerReluGradients } from './relu.js';

let registered = false;

/**
 * Registers TensorFlow's fused operations in place of chains of small ones, in this whole process; the second call
 * does nothing. TensorFlow's backend must be in use.
 */
export function registerNativeKernels(): void {
  if (registered) return;
  registered = true;
  registerBiasReluGradient();
  registerReluGradients();
  registerBatchNorm();
  registerMaxPool();
  registerFusedConvolutions();
  mendFilterGradient();
}
