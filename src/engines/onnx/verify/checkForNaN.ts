import { createError } from '../../../core/errors/errors.js';
import { describeCall } from '../../../tensor/trace/describeCall.js';
import { getTracedValues } from '../../../tensor/trace/tracer.js';
import type { TracedPass } from '../trace/tracePair.js';
import type { ComparedOutputs } from './verifyStep.js';

/**
 * Throws a `number` error if the losses or gradients of a trace contain NaN. The error names the first operation whose result is NaN.
 *
 * @param description - Name of the traced computation in the error message, for example `the training step`.
 */
export function checkForNaN(
  { trace, outputs }: TracedPass,
  description: string,
  comparedOutputs: ComparedOutputs,
): void {
  const hasNaN = (id: object) => getTracedValues(trace, id).some(Number.isNaN);
  if (!outputs.some(({ name, tensor }) => name in comparedOutputs && hasNaN(tensor.id))) return;
  const firstCall = trace.calls.find((call) => call.outputs.some(({ id }) => hasNaN(id)));
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
