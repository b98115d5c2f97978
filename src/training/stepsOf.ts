import { onnxInUse } from '../engines/choose.js';
import type { Network } from '../models/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { compiledSteps } from './compiledSteps.js';
import { eagerSteps } from './eagerSteps.js';
import type { Steps } from './steps.js';

/** What executes the steps of a run on the engine in use: one graph a step, or operation by operation. */
export function stepsOf(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
): Steps {
  const onnx = onnxInUse();
  return onnx
    ? compiledSteps(onnx.runtime, network, optimizer, lossWeights, onnx)
    : eagerSteps(network, optimizer, lossWeights);
}
