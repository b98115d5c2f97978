import type { KernelCall, TracedTensor } from '../../../tensor/trace/tracer.js';
import { POOLED_BIAS_RELU_GRADIENT, RELU_GRADIENT } from '../ops/context/fusedKernels.js';
import { type FusionContext, fuseCalls } from './fuseCalls.js';

/** The kernel calls of a trace after simplification: calls that only copy a tensor are removed, and some sequences of calls are fused. */
export interface SimplifiedTrace {
  readonly calls: readonly KernelCall[];
  /** Returns the id of the original tensor if the tensor with this id is a removed copy, otherwise the same id. */
  resolveId(id: object): object;
}

/**
 * Simplifies the kernel calls of a trace: removes calls that only copy a tensor, and fuses some sequences of calls into one call.
 *
 * @param otherShapes - The shape that each tensor of this trace has in the trace with the other batch size. Tensors that this function
 *   creates are added to it.
 * @param findFillValue - Returns the number that all elements of a constant are equal to, and undefined for other tensors. If this function
 *   is passed, calls are fused for ONNX Runtime, so the graph must be written for one batch size.
 */
export function simplifyTrace(
  calls: readonly KernelCall[],
  otherShapes: Map<TracedTensor, readonly number[]>,
  findFillValue?: FusionContext['findFillValue'],
): SimplifiedTrace {
  const copies = new Map<object, object>();
  const resolveId = (id: object) => copies.get(id) ?? id;
  const resolveTensor = (tensor: TracedTensor): TracedTensor => {
    if (resolveId(tensor.id) === tensor.id) return tensor;
    const original = { ...tensor, id: resolveId(tensor.id) };
    otherShapes.set(original, otherShapes.get(tensor)!);
    return original;
  };
  const withoutCopies: KernelCall[] = [];
  for (const call of calls) {
    const inputs = Object.fromEntries(
      Object.entries(call.inputs).map(([name, tensor]) => [name, resolveTensor(tensor)]),
    );
    const source = findCopySource({ ...call, inputs }, findFillValue);
    if (source) copies.set(call.outputs[0]!.id, source.id);
    else withoutCopies.push({ ...call, inputs });
  }
  const fused = findFillValue
    ? fuseCalls(withoutCopies, {
        findFillValue,
        createTensorLike: (tensor) => {
          const created = { ...tensor, id: {} };
          otherShapes.set(created, otherShapes.get(tensor)!);
          return created;
        },
      })
    : withoutCopies;
  return { calls: fusePooledGradients(readStepsOfRectified(fused)), resolveId };
}

/** Returns the tensor whose values the output of a call has, or undefined if the call computes other values. */
function findCopySource(
  { kernel, inputs: { x, a, b }, outputs: [output] }: KernelCall,
  findFillValue?: FusionContext['findFillValue'],
): TracedTensor | undefined {
  if (kernel === 'Identity') return x;
  if (!findFillValue) return undefined;
  // All values of the graph are float32, so a cast to float32 changes nothing.
  if (kernel === 'Cast' && (output!.dtype === 'float32' || output!.dtype === x!.dtype)) return x;
  if (kernel === 'Multiply' && b!.shape.length === 0 && findFillValue(b!) === 1) return a;
  return undefined;
}

/**
 * Replaces `step(x)` with `step(relu(x))`, which is equal, if the trace contains `relu(x)`. The gradient of ReLU reads its input this way.
 * If nothing else reads `x`, the activation can be fused into the operation that computes `x`, and `x` is not stored.
 */
function readStepsOfRectified(calls: readonly KernelCall[]): readonly KernelCall[] {
  const rectified = new Map<object, TracedTensor>();
  return calls.map((call) => {
    const x = call.inputs.x;
    if (call.kernel === 'Relu') rectified.set(x!.id, call.outputs[0]!);
    const isStep = call.kernel === RELU_GRADIENT || (call.kernel === 'Step' && !call.attributes.alpha);
    const y = isStep ? rectified.get(x!.id) : undefined;
    return y && y.shape.join() === x!.shape.join() ? { ...call, inputs: { ...call.inputs, x: y } } : call;
  });
}

/**
 * Fuses the two calls that compute the gradient of `maxPool(relu(x + bias))`. The gradient of a pooling window is passed only to its
 * maximum. Therefore, the ReLU mask and the bias gradient can be computed from the pooled values. For 2x2 windows, this takes only a
 * quarter of the computation, because there are only a quarter as many pooled values as pixels.
 */
function fusePooledGradients(calls: readonly KernelCall[]): readonly KernelCall[] {
  const readCounts = new Map<object, number>();
  for (const { inputs } of calls) {
    for (const { id } of Object.values(inputs)) readCounts.set(id, (readCounts.get(id) ?? 0) + 1);
  }
  const isReadOnce = (id: object) => readCounts.get(id) === 1;
  const poolGradients = new Map<object, KernelCall>();
  for (const call of calls) if (call.kernel === 'MaxPoolGrad') poolGradients.set(call.outputs[0]!.id, call);
  const result: KernelCall[] = [];
  for (const call of calls) {
    const { y, dy: incoming } = call.inputs;
    const poolGradient =
      call.kernel === 'MultitaskBiasReluGradient' ? poolGradients.get(incoming!.id) : undefined;
    if (poolGradient && isReadOnce(incoming!.id) && poolGradient.inputs.input!.id === y!.id) {
      const { dy, input, output } = poolGradient.inputs;
      result.splice(result.indexOf(poolGradient), 1);
      result.push({
        ...call,
        kernel: POOLED_BIAS_RELU_GRADIENT,
        inputs: { input: input!, output: output!, dy: dy! },
        attributes: poolGradient.attributes,
      });
    } else {
      result.push(call);
    }
  }
  return result;
}
