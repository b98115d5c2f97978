import { createError } from '../../../core/errors/errors.js';
import { describeCall } from '../../../tensor/trace/describeCall.js';
import { getTracedValues, type KernelCall, type Trace } from '../../../tensor/trace/tracer.js';
import { type TraceablePass, type TracedPass, tracePass } from '../trace/tracePair.js';

/**
 * Throws a `number` error if the losses or gradients of a trace contain NaN. The error names the first operation whose result is NaN.
 *
 * @param pass - The traced function, which is traced again to find that operation.
 * @param traced - Trace that contains the values of the outputs `comparedOutputs`.
 * @param description - Name of the traced computation in the error message, for example `the training step`.
 */
export function checkForNaN(
  pass: TraceablePass,
  { trace, outputs, batchSize, variant }: TracedPass,
  description: string,
  comparedOutputs: readonly string[],
): void {
  const isNaNOutput = outputs.some(
    ({ name, tensor }) => comparedOutputs.includes(name) && hasNaN(trace, tensor.id),
  );
  if (!isNaNOutput) return;
  const firstCall = findFirstNaN(pass, batchSize, variant);
  throw createError({
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
