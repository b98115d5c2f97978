import { createError } from '../../../core/errors/errors.js';
import { describeCall } from '../../../tensor/trace/describeCall.js';
import { getTracedValues, type KernelCall, type Trace } from '../../../tensor/trace/tracer.js';
import { type TraceablePass, type TracedPass, tracePass } from '../trace/tracePair.js';

/** Returns whether one of the outputs in `outputNames` contains NaN. The trace must contain the values of these outputs. */
export function containsNaN({ trace, outputs }: TracedPass, outputNames: readonly string[]): boolean {
  return outputs.some(({ name, tensor }) => outputNames.includes(name) && hasNaN(trace, tensor.id));
}

/**
 * Creates the `number` error for a function whose losses or gradients contain NaN. The function is traced again to find the first operation
 * whose result is NaN, which the error names.
 *
 * @param traced - The trace whose outputs contain NaN.
 * @param description - Name of the traced computation in the error message, for example `the training step`.
 */
export function createNaNError(
  pass: TraceablePass,
  { batchSize, variant }: TracedPass,
  description: string,
): Error {
  const firstCall = findFirstNaN(pass, batchSize, variant);
  return createError({
    kind: 'number',
    path: description,
    expected: 'finite losses and gradients in the first batch',
    received: firstCall
      ? `NaN, first computed by ${describeCall(firstCall)}`
      : 'NaN in the images, labels or weights',
    advice: 'Check the labels and weights, lower the learning rate, or clip the gradients.',
  });
}

function findFirstNaN(pass: TraceablePass, batchSize: number, variant: 0 | 1): KernelCall | undefined {
  const { trace } = tracePass(pass, batchSize, variant, { limitsHeap: true, selectCall: () => true });
  return trace.calls.find((call) => call.outputs.some(({ id }) => hasNaN(trace, id)));
}

function hasNaN(trace: Trace<unknown>, id: object): boolean {
  const values = getTracedValues(trace, id);
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}
