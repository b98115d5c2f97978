import type { Network } from '../network/network.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { createEagerExecutor } from './eager/eagerExecutor.js';
import type { Executor } from './executor.js';
import { createOnnxExecutor } from './onnx/executor/onnxExecutor.js';
import type { OnnxEngineState } from './onnx/executor/predictor.js';

/** What executes the steps of a run: one graph a step in ONNX Runtime, or operation by operation on the backend in use. */
export function createExecutor(
  network: Network,
  optimizer: Optimizer,
  lossWeights: { readonly [task: string]: number },
  onnx: OnnxEngineState | undefined,
): Executor {
  return onnx
    ? createOnnxExecutor(onnx.runtime, network, optimizer, lossWeights, onnx)
    : createEagerExecutor(network, optimizer, lossWeights);
}
