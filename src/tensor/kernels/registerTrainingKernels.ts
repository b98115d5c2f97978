import { tf } from '../tf.js';
import { BATCH_NORM, registerBatchNorm } from './batchNorm.js';
import { registerBiasReluGradient } from './biasReluGradient.js';
import { registerConvolutionGradients } from './convolutionKernels.js';
import { registerDepthwiseGradients } from './depthwiseGradients.js';
import { fixFullSum } from './fullSum.js';
import { preserveNaN } from './nanPropagation.js';
import { registerPooling } from './pooling.js';
import { fixSamePadding } from './samePadding.js';

/**
 * Registers the kernels that training on wasm needs. Does nothing if they are already in TensorFlow.js's
 * registry, which all copies of this library in a process share.
 */
export function registerTrainingKernels(): void {
  if (tf.getKernel(BATCH_NORM, 'wasm')) return;
  fixSamePadding();
  fixFullSum();
  preserveNaN();
  registerConvolutionGradients();
  registerDepthwiseGradients();
  registerPooling();
  registerBiasReluGradient();
  registerBatchNorm();
}
