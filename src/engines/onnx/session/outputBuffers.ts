import { isMultitaskError } from '../../../core/errors/errors.js';
import { encodeOnnxModel, type OnnxModel } from '../../../formats/onnxModel.js';
import type { OnnxRuntime, OnnxSession, OnnxTensor } from './onnxRuntime.js';
import { createSession, runSession } from './session.js';
import { UNOPTIMIZED_OPTIONS } from './sessionOptions.js';

/**
 * Name of an additional graph output, an empty sequence. ONNX Runtime for Node writes the outputs to the buffers that the caller passes,
 * and then copies each output to a new array, for which it has no option. It converts outputs in order and throws an error for a sequence.
 * If the first output is a sequence, all outputs are therefore in the buffers, and none is copied.
 */
const COPY_STOPPER = 'stop copying';

/** Function that runs a session and writes its outputs to the buffers, keyed by the name of the output. */
export type BufferedRun = (
  session: OnnxSession,
  description: string,
  feeds: { readonly [name: string]: OnnxTensor },
  buffers: { readonly [name: string]: OnnxTensor },
) => Promise<void>;

/** Adds the output to a graph that {@link findBufferedRun} needs. */
export function addCopyStopper(model: OnnxModel): OnnxModel {
  const node = { opType: 'SequenceEmpty', inputs: [], outputs: [COPY_STOPPER], attributes: {} };
  return { ...model, nodes: [node, ...model.nodes], sequenceOutput: COPY_STOPPER };
}

/**
 * Returns a function that runs sessions without copying their outputs. Their graphs must have been created with {@link addCopyStopper}.
 * Returns undefined if the runtime does not support this, for example in a browser.
 */
export async function findBufferedRun(runtime: OnnxRuntime): Promise<BufferedRun | undefined> {
  const description = 'the test of output buffers';
  const bytes = encodeOnnxModel(
    addCopyStopper({
      nodes: [{ opType: 'Add', inputs: ['x', 'x'], outputs: ['y'], attributes: {} }],
      initializers: [],
      inputs: [{ name: 'x', shape: [2], description: '' }],
      outputs: [{ name: 'y', shape: [2], description: '' }],
      description: '',
      metadata: {},
    }),
  );
  const createTensor = (...values: number[]) => new runtime.Tensor('float32', Float32Array.from(values), [2]);
  try {
    const session = await createSession(runtime, bytes, description, {
      ...UNOPTIMIZED_OPTIONS,
      logSeverityLevel: 4,
    });
    try {
      const buffer = createTensor(0, 0);
      const expectedError = await runWithStopper(
        runtime,
        session,
        description,
        { x: createTensor(1, 2) },
        { y: buffer },
      );
      if (expectedError === undefined || buffer.data.join() !== '2,4') return undefined;
      return async (...parameters) => {
        const error = await runWithStopper(runtime, ...parameters);
        if (!isMultitaskError(error) || error.received !== expectedError.received) throw error;
      };
    } finally {
      await session.release();
    }
  } catch {
    return undefined;
  }
}

/** Runs a session. Returns the error of the run, or undefined if the run throws no error. */
async function runWithStopper(
  runtime: OnnxRuntime,
  ...[session, description, feeds, buffers]: Parameters<BufferedRun>
) {
  try {
    await runSession(runtime, session, description, feeds, { [COPY_STOPPER]: null, ...buffers });
    return undefined;
  } catch (error) {
    if (!isMultitaskError(error)) throw error;
    return error;
  }
}
