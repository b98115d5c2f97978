import { registerBatchNorm } from './batchNorm.js';
import { registerBiasReluGradient } from './biasReluGradient.js';
import { mendSamePadding, registerConvolutionGradients } from './convolutionKernels.js';
import { registerDepthwiseGradients } from './depthwise.js';
import { registerMaxPoolGradient } from './maxPoolGradient.js';
import { mendWholeSum } from './wholeSum.js';

let registered = false;

/** Registers what wasm needs for training, in this whole process; the second call does nothing. */
export function registerTrainingKernels(): void {
  if (registered) return;
  registered = true;
  mendSamePadding();
  mendWholeSum();
  registerConvolutionGradients();
  registerDepthwiseGradients();
  registerMaxPoolGradient();
  registerBiasReluGradient();
  registerBatchNorm();
}
