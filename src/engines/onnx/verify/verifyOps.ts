import { countElements, type HostArray } from '../../../core/arrays.js';
import { encodeOnnxModel } from '../../../formats/onnxModel.js';
import { getTracedValues, type KernelCall, type TracedTensor } from '../../../tensor/trace/tracer.js';
import { type LoweringOptions, lowerTrace } from '../lower/traceLowering.js';
import { type OnnxRuntime, toOnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { UNOPTIMIZED_OPTIONS } from '../session/sessionOptions.js';
import { createOpMismatchError } from '../trace/callErrors.js';
import { getInputIds, type NamedTracedTensor, type TracedPass } from '../trace/tracePair.js';

/**
 * Allowed difference between two results of an operation, relative to the largest value of the output. Adding float32 numbers in a
 * different order causes smaller differences.
 */
const OP_TOLERANCE = 1e-4;

const DESCRIPTION = 'the verification of operations';

/** Bytes of the results that are computed at a time. A single operation may exceed this limit. */
const GROUP_BYTES = 2 ** 26;

/**
 * Verifies that ONNX Runtime computes the same result as TensorFlow.js for operations of a trace. Each operation receives the inputs that
 * were recorded in the trace, so that errors cannot accumulate. Therefore, the tolerance can be much smaller than in a comparison of whole
 * steps: where two values are nearly tied for a maximum, rounding can move a gradient to a different element, so even two correct engines
 * can differ.
 *
 * The operations run in groups, and values that only earlier groups needed are removed from the trace, so that the verification needs
 * little memory.
 *
 * @param other - Trace of the same function with the other batch size.
 * @param indices - Positions of the operations in the trace. The trace contains the values of their inputs and outputs.
 * @param onGroup - Called before each group with the number of operations that were verified.
 * @throws `engine` error that names the first operation whose result differs.
 */
export async function verifyOps(
  runtime: OnnxRuntime,
  pass: TracedPass,
  other: TracedPass,
  indices: readonly number[],
  options: LoweringOptions,
  onGroup: (verifiedCount: number) => Promise<void>,
): Promise<void> {
  const { calls, intermediates } = pass.trace;
  const groups = groupCalls(calls, indices);
  const lastGroups = new Map<object, number>();
  groups.forEach((group, i) => {
    for (const index of group) for (const id of listIds(calls[index]!)) lastGroups.set(id, i);
  });
  const outputIds = new Set(pass.outputs.map(({ tensor }) => tensor.id));
  let verifiedCount = 0;
  for (const [i, group] of groups.entries()) {
    await onGroup(verifiedCount);
    verifiedCount += group.length;
    await verifyGroup(runtime, pass, other, group, options);
    for (const id of group.flatMap((index) => listIds(calls[index]!))) {
      if (lastGroups.get(id) === i && !outputIds.has(id)) intermediates.delete(id);
    }
  }
}

const listIds = ({ inputs, outputs }: KernelCall): object[] =>
  [...Object.values(inputs), ...outputs].map(({ id }) => id);

/** Divides calls into groups whose results have at most {@link GROUP_BYTES}. */
function groupCalls(calls: readonly KernelCall[], indices: readonly number[]): number[][] {
  const groups: number[][] = [];
  let groupBytes = Number.POSITIVE_INFINITY;
  for (const index of indices) {
    const bytes = calls[index]!.outputs.reduce((sum, { shape }) => sum + 4 * countElements(shape), 0);
    groupBytes += bytes;
    if (groupBytes > GROUP_BYTES) {
      groups.push([]);
      groupBytes = bytes;
    }
    groups.at(-1)!.push(index);
  }
  return groups;
}

async function verifyGroup(
  runtime: OnnxRuntime,
  pass: TracedPass,
  other: TracedPass,
  indices: readonly number[],
  options: LoweringOptions,
): Promise<void> {
  const calls = indices.map((index) => pass.trace.calls[index]!);
  const otherCalls = indices.map((index) => other.trace.calls[index]!);
  const inputIds = getInputIds(pass);
  // In the verification graph, calls are independent of each other: every tensor that a call reads is a graph input, and every tensor that
  // it computes is a graph output. Constants of a fixed size remain constants, because some lowerings depend on their values.
  const inputs = new Map<object, NamedTracedTensor>();
  const separateCalls = calls.map((call, i): KernelCall => {
    for (const [name, tensor] of Object.entries(call.inputs)) {
      const isConstant =
        pass.trace.leaves.has(tensor.id) &&
        !inputIds.has(tensor.id) &&
        tensor.shape.join() === otherCalls[i]!.inputs[name]!.shape.join();
      if (!isConstant && !inputs.has(tensor.id)) inputs.set(tensor.id, { name: `in${inputs.size}`, tensor });
    }
    return { ...call, outputs: call.outputs.map((output) => ({ ...output, id: {} })) };
  });
  const tracedOutputs = calls.flatMap((call) => call.outputs.map((output) => ({ call, output })));
  const outputs = separateCalls
    .flatMap((call) => call.outputs)
    .map((tensor, i) => ({ name: `out${i}`, tensor }));
  const graph = lowerTrace(
    { ...pass.trace, calls: separateCalls },
    { ...other.trace, calls: otherCalls },
    [...inputs.values()],
    outputs,
    { ...options, batch: { size: pass.batchSize, tracedSizes: [pass.batchSize, other.batchSize] } },
  );
  const toValueInfo = ({ name, tensor: { shape } }: NamedTracedTensor) => ({ name, shape, description: '' });
  const bytes = encodeOnnxModel({
    ...graph,
    inputs: [...inputs.values()].map(toValueInfo),
    outputs: outputs.map(toValueInfo),
    description: '',
    metadata: {},
  });
  const session = await createSession(runtime, bytes, DESCRIPTION, UNOPTIMIZED_OPTIONS);
  const getValues = ({ id }: TracedTensor) => getTracedValues(pass.trace, id);
  const toHostArray = (tensor: TracedTensor): HostArray => ({
    shape: tensor.shape,
    data: getValues(tensor),
  });
  try {
    const feeds = Object.fromEntries(
      [...inputs.values()].map(({ name, tensor }) => [name, toOnnxTensor(runtime, toHostArray(tensor))]),
    );
    const results = await runSession(runtime, session, DESCRIPTION, feeds);
    tracedOutputs.forEach(({ call, output }, i) => {
      const [expected, received] = excludeDenormals(
        call,
        getValues(output),
        results[`out${i}`]!.data,
        getValues,
      );
      const difference = computeRelativeDifference(
        expected,
        received,
        computeErrorScale(call, output, getValues),
      );
      if (difference > OP_TOLERANCE) throw createOpMismatchError(call, difference, OP_TOLERANCE);
    });
  } finally {
    await session.release();
  }
}

/** The smallest positive float32 number that is not denormal. */
const MIN_NORMAL_FLOAT32 = 2 ** -126;

/**
 * For a step function, removes the elements whose input is a denormal number from both results. For such an element, an engine that flushes
 * denormal numbers to zero returns the result for 0, and other engines do not. Both results are correct.
 */
function excludeDenormals(
  { kernel, inputs: { x } }: KernelCall,
  expected: Float32Array,
  received: Float32Array,
  getValues: (tensor: TracedTensor) => Float32Array,
): readonly [expected: Float32Array, received: Float32Array] {
  if (!x || !/^(Sign|Step)$/.test(kernel) || expected.length !== received.length) return [expected, received];
  const data = getValues(x);
  const isNormal = (_: number, i: number) => data[i] === 0 || Math.abs(data[i]!) >= MIN_NORMAL_FLOAT32;
  return [expected.filter(isNormal), received.filter(isNormal)];
}

/**
 * Returns the lower bound for the scale by which a difference is divided to make it relative. The rounding error of a sum is proportional
 * to its terms, not to the sum, and a sum of `n` terms of random sign is about √n times as large as one term. Without this bound, gradients
 * that consist only of rounding error would be reported as different, such as the gradient of a bias before batch normalization.
 */
function computeErrorScale(
  { kernel, inputs }: KernelCall,
  output: TracedTensor,
  getValues: (tensor: TracedTensor) => Float32Array,
): number {
  const maxOf = (tensor: TracedTensor | undefined) => (tensor ? computeMaxAbs(getValues(tensor)) : 1);
  const { x, dy, filter, a, b } = inputs;
  if (/MatMul/.test(kernel)) return 0.01 * maxOf(a) * maxOf(b);
  if (/Conv/.test(kernel)) return 0.01 * maxOf(x) * maxOf(dy) * maxOf(filter);
  if (/Mean/.test(kernel)) return 0.01 * maxOf(x);
  if (/Sum|Norm|Bias/.test(kernel)) {
    const terms = dy ?? x;
    const n = terms ? countElements(terms.shape) / Math.max(1, countElements(output.shape)) : 1;
    return (n > 1 ? 0.1 * Math.sqrt(n) : 0.01) * maxOf(terms);
  }
  return 0;
}

function computeMaxAbs(values: Float32Array): number {
  let max = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size > max) max = size;
    else if (Number.isNaN(size)) return size;
  }
  return max;
}

/**
 * Returns the largest absolute difference between two arrays, divided by the largest finite expected value or by `minScale`, whichever is
 * greater. Returns infinity if the lengths differ, or if an element is NaN in only one of the arrays.
 */
function computeRelativeDifference(expected: Float32Array, received: Float32Array, minScale: number): number {
  if (expected.length !== received.length) return Number.POSITIVE_INFINITY;
  let scale = Math.max(minScale, 1e-30);
  let maxDifference = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = expected[i]!;
    const b = received[i]!;
    const size = Math.abs(a);
    if (size > scale && size < Number.POSITIVE_INFINITY) scale = size;
    if (a === b) continue;
    const difference = Math.abs(a - b);
    if (difference > maxDifference) maxDifference = difference;
    else if (Number.isNaN(difference) && !(Number.isNaN(a) && Number.isNaN(b)))
      return Number.POSITIVE_INFINITY;
  }
  return maxDifference / scale;
}
