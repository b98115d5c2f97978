import { formatShape } from '../../../core/arrays.js';
import { createError } from '../../../core/errors/errors.js';
import { describeCall } from '../../../tensor/trace/describeCall.js';
import type { KernelCall } from '../../../tensor/trace/tracer.js';

const USE_WASM = 'use engine: "wasm"';

/** Creates the error for a TensorFlow.js kernel call that the library cannot compile to ONNX. */
export function createUnsupportedOpError(call: KernelCall): Error {
  return createError({
    kind: 'engine',
    path: describeCall(call),
    expected: 'an operation that can be compiled to ONNX',
    received: `an unsupported operation with an output of shape ${formatShape(call.outputs[0]?.shape ?? [])}`,
    advice: `Use only operations that are listed in docs/onnx-operations.md, or ${USE_WASM}, which runs every operation.`,
  });
}

/** Creates the error for a layer, loss or metric that performs different operations when it is traced a second time. */
export function createTraceMismatchError(call: KernelCall, difference: string): Error {
  return createError({
    kind: 'engine',
    path: describeCall(call),
    expected: 'the same operations and constants for every batch',
    received: `${difference} for a second batch`,
    advice: `Remove random draws, counters and tensor reads such as dataSync() from the layer, loss or metric, or ${USE_WASM}.`,
  });
}

/** Creates the error for a kernel call whose output differs between ONNX Runtime and TensorFlow.js. */
export function createOpMismatchError(call: KernelCall, difference: number, tolerance: number): Error {
  return createError({
    kind: 'engine',
    path: describeCall(call),
    expected: `outputs within ${tolerance} of TensorFlow.js`,
    received: `a relative difference of ${difference.toPrecision(2)} in the output of shape ${formatShape(call.outputs[0]!.shape)}`,
    advice: `Report this operation as a bug, and ${USE_WASM} until it is fixed.`,
  });
}
