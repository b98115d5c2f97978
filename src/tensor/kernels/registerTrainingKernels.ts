import { registerBatchNorm } from './batchNorm.js';
import { registerBiasReluGradient } from './biasReluGradient.js';
import { registerConvolutionGradients } from './convolutionKernels.js';
import { registerDepthwiseGradients } from './depthwiseGradients.js';
import { fixFullSum } from './fullSum.js';
import { registerMaxPoolGradient } from './maxPoolGradient.js';
import { fixSamePadding } from './samePadding.js';

let isRegistered = false;

/** Registers what wasm needs for training, in this whole process; the second call does nothing. */
export function registerTrainingKernels(): void {
  if (isRegistered) return;
  isRegistered = true;
  fixSamePadding();
  fixFullSum();
  registerConvolutionGradients();
  registerDepthwiseGradients();
  registerMaxPoolGradient();
  registerBiasReluGradient();
  registerBatchNorm();
}
