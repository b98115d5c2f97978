import type { KernelCall, TracedTensor } from '../../../tensor/trace/tracer.js';

/** Our name for max-pooling's gradient followed by the one of the relu before it. */
export const POOLED_BIAS_RELU_GRADIENT = 'MultitaskPooledBiasReluGradient';

/** A recording's calls without copies, and whose numbers a tensor has. */
export interface SimplifiedTrace {
  readonly calls: readonly KernelCall[];
  /** The identity of the tensor that `id` is a copy of, or `id`. */
  resolveId(id: object): object;
}

/**
 * The calls without those that only copy, and with larger steps for some that follow each other.
 *
 * @param twins - For every tensor of the calls its shape in another recording; what is written anew here gets it too.
 */
export function simplifyTrace(
  calls: readonly KernelCall[],
  twins: Map<TracedTensor, readonly number[]>,
): SimplifiedTrace {
  const copies = new Map<object, object>();
  const resolveId = (id: object) => copies.get(id) ?? id;
  const own = (seen: TracedTensor): TracedTensor => {
    if (resolveId(seen.id) === seen.id) return seen;
    const original = { ...seen, id: resolveId(seen.id) };
    twins.set(original, twins.get(seen)!);
    return original;
  };
  const kept: KernelCall[] = [];
  for (const call of calls) {
    const inputs = Object.fromEntries(Object.entries(call.inputs).map(([name, seen]) => [name, own(seen)]));
    if (call.kernel === 'Identity') copies.set(call.outputs[0]!.id, inputs.x!.id);
    else kept.push({ ...call, inputs });
  }
  return { calls: fusePooledGradients(kept), resolveId };
}

/**
 * The gradient of `maxPool(relu(x + bias))`: each window's gradient goes to its largest value, so that relu's mask and the
 * bias's sum need only look at the pooled values, a quarter as many for windows of 2x2.
 */
function fusePooledGradients(calls: readonly KernelCall[]): readonly KernelCall[] {
  const readers = new Map<object, number>();
  for (const { inputs } of calls) {
    for (const { id } of Object.values(inputs)) readers.set(id, (readers.get(id) ?? 0) + 1);
  }
  const readOnce = (id: object) => readers.get(id) === 1;
  const pooled = new Map<object, KernelCall>();
  for (const call of calls) if (call.kernel === 'MaxPoolGrad') pooled.set(call.outputs[0]!.id, call);
  const result: KernelCall[] = [];
  for (const call of calls) {
    const { y, dy: masked } = call.inputs;
    const pooling = call.kernel === 'MultitaskBiasReluGradient' ? pooled.get(masked!.id) : undefined;
    if (pooling && readOnce(masked!.id) && pooling.inputs.input!.id === y!.id) {
      const { dy, input, output } = pooling.inputs;
      result.splice(result.indexOf(pooling), 1);
      result.push({
        ...call,
        kernel: POOLED_BIAS_RELU_GRADIENT,
        inputs: { input: input!, output: output!, dy: dy! },
        attributes: pooling.attributes,
      });
    } else {
      result.push(call);
    }
  }
  return result;
}
