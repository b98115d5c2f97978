import { createError } from '../../../core/errors/errors.js';
import type { OnnxRuntime, OnnxSession, OnnxTensor, SessionOptions } from './onnxRuntime.js';

/**
 * Creates an ONNX Runtime session.
 *
 * @param description - Name of the graph in error messages: `the training step`.
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
 * Runs an ONNX Runtime session.
 *
 * @param description - Name of the graph in error messages: `the training step`.
 * @param fetches - Names of the outputs to return. Default: all.
 * @throws `memory` or `engine` error with the runtime's message if the run fails.
 */
export async function runSession(
  runtime: OnnxRuntime,
  session: OnnxSession,
  description: string,
  feeds: { readonly [name: string]: OnnxTensor },
  fetches?: readonly string[],
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
      ? 'Use a smaller batch or smaller images.'
      : 'Use engine: "wasm"; with a checkpoint and resume: true, the run continues on that engine.',
    cause,
  });
}
