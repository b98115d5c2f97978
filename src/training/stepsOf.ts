import type { OnnxInUse } from '../engines/onnx/predictor.js';
import type { Network } from '../models/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { compiledSteps } from './compiledSteps.js';
import { eagerSteps } from './eagerSteps.js';
import type { Steps } from './steps.js';

/** What executes the steps of a run: one graph a step in ONNX Runtime, or operation by operation on the backend in use. */
export function stepsOf(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  onnx: OnnxInUse | undefined,
): Steps {
  return onnx
    ? compiledSteps(onnx.runtime, network, optimizer, lossWeights, onnx)
    : eagerSteps(network, optimizer, lossWeights);
}
