import type { KernelCall, TracedTensor } from '../../../tensor/trace/tracer.js';
import { getInputIds, type TracedPass } from '../trace/tracePair.js';

/** Kernel calls of a trace that are different from each other, see {@link selectDistinctCalls}. */
export interface DistinctCalls {
  /** Returns true for a call that differs from all earlier calls. The tracer calls this function for each call, in order. */
  readonly selectCall: (call: KernelCall, index: number) => boolean;
  /** Positions in the trace of the calls that were selected so far. */
  readonly indices: readonly number[];
}

/**
 * Selects the calls of a trace that must be verified: the first call of each kernel with the same attributes, shapes, types and constants.
 * Such calls are lowered to the same ONNX nodes.
 *
 * @param other - Trace of the same function with the other batch size. It shows which sizes depend on the batch size, and which tensors
 *   are constants.
 */
export function selectDistinctCalls(other: TracedPass): DistinctCalls {
  const describeConstant = createConstantDescriber(other);
  const keys = new Set<string>();
  const indices: number[] = [];
  const selectCall = (call: KernelCall, index: number): boolean => {
    const otherCall = other.trace.calls[index];
    if (otherCall?.kernel !== call.kernel) return false; // Comparing the two traces results in an error.
    const inputs = Object.entries(call.inputs);
    const key = JSON.stringify(
      [
        call.kernel,
        call.attributes,
        inputs.map(([name, tensor]) => [
          name,
          describeTensor(tensor, otherCall.inputs[name]),
          describeConstant(otherCall.inputs[name]),
          inputs.findIndex(([, { id }]) => id === tensor.id),
        ]),
        call.outputs.map((tensor, i) => describeTensor(tensor, otherCall.outputs[i])),
      ],
      formatNumber,
    );
    if (keys.has(key)) return false;
    keys.add(key);
    indices.push(index);
    return true;
  };
  return { selectCall, indices };
}

const describeTensor = ({ shape, dtype }: TracedTensor, other: TracedTensor | undefined) => [
  dtype,
  shape,
  other?.shape,
];

/** Formats infinity and NaN for a key, because JSON has no such numbers. */
const formatNumber = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

/** Maximum number of elements of a constant that are part of a key. Longer constants are equal only if they are the same tensor. */
const MAX_CONSTANT_LENGTH = 16;

/** Creates a function that returns a key for a constant, and undefined for a tensor that is not a constant. */
function createConstantDescriber(pass: TracedPass) {
  const inputIds = getInputIds(pass);
  const constantNumbers = new Map<object, number>();
  return (tensor: TracedTensor | undefined): readonly number[] | number | undefined => {
    const values = tensor && !inputIds.has(tensor.id) ? pass.trace.leaves.get(tensor.id) : undefined;
    if (!tensor || !values) return undefined;
    if (values.length <= MAX_CONSTANT_LENGTH) return Array.from(values);
    if (!constantNumbers.has(tensor.id)) constantNumbers.set(tensor.id, constantNumbers.size);
    return constantNumbers.get(tensor.id);
  };
}
