import { tf } from '../tf.js';
import { BATCH_NORM, registerBatchNorm } from './batchNorm.js';
import { registerBiasReluGradient } from './biasReluGradient.js';
import { registerConvolutionGradients } from './convolutionKernels.js';
import { avoidCopies } from './copies.js';
import { registerDepthwiseGradients } from './depthwiseGradients.js';
import { accelerateMasks } from './masks.js';
import { preserveNaN } from './nanPropagation.js';
import { registerPooling } from './pooling.js';
import { fixSamePadding } from './samePadding.js';
import { improveSums } from './sums.js';
import { registerWinogradConvolutions } from './winograd.js';

/**
 * Registers the kernels that training on wasm needs. Does nothing if the kernels are already registered, because all copies of this library
 * in a process share the registry of TensorFlow.js.
 */
export function registerTrainingKernels(): void {
  if (tf.getKernel(BATCH_NORM, 'wasm')) return;
  avoidCopies();
  fixSamePadding();
  improveSums();
  preserveNaN();
  registerWinogradConvolutions();
  registerConvolutionGradients();
  accelerateMasks();
  registerDepthwiseGradients();
  registerPooling();
  registerBiasReluGradient();
  registerBatchNorm();
}
