import { createError } from '../../../core/errors/errors.js';
import type { OnnxRuntime, OnnxSession, OnnxTensor, SessionOptions } from './onnxRuntime.js';

/**
 * Creates an ONNX Runtime session from the bytes of an ONNX graph.
 *
 * @param description - Name of the graph in error messages, for example `the training step`.
 * @throws `memory` or `engine` error with the runtime's message if the runtime rejects the graph.
 */
export async function createSession(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  description: string,
  options: SessionOptions,
): Promise<OnnxSession> {
  try {
    return await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3, ...options });
  } catch (cause) {
    throw createRuntimeError(runtime, description, cause);
  }
}

/**
 * Runs an ONNX Runtime session and returns its outputs, keyed by name.
 *
 * @param description - Name of the graph in error messages, for example `the training step`.
 * @param fetches - Names of the outputs to compute, or the buffers to write them to, keyed by name. Default: all outputs.
 * @throws `memory` or `engine` error with the runtime's message if the run fails.
 */
export async function runSession(
  runtime: OnnxRuntime,
  session: OnnxSession,
  description: string,
  feeds: { readonly [name: string]: OnnxTensor },
  fetches?: Parameters<OnnxSession['run']>[1],
): Promise<{ readonly [name: string]: OnnxTensor }> {
  try {
    return await session.run(feeds, fetches);
  } catch (cause) {
    throw createRuntimeError(runtime, description, cause);
  }
}

function createRuntimeError({ label }: OnnxRuntime, description: string, cause: unknown) {
  const message = String((cause as Error)?.message ?? cause).split('\n')[0]!;
  const isOutOfMemory = /alloc|memory/i.test(message);
  return createError({
    kind: isOutOfMemory ? 'memory' : 'engine',
    path: `engine onnx: ${description}`,
    expected: `a graph that ${label} can run`,
    received: `the error "${message}"`,
    advice: isOutOfMemory
      ? 'Use a smaller batch size or smaller images.'
      : 'Use engine: "wasm". If the run saved a checkpoint, resume: true continues the run on that engine.',
    cause,
  });
}
