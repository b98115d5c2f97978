import type { HostArray } from '../../../core/arrays.js';
import { createError } from '../../../core/errors/errors.js';
import { encodeOnnxModel } from '../../../formats/onnxModel.js';
import { getTracedValues, type KernelCall, type TracedTensor } from '../../../tensor/trace/tracer.js';
import { type LoweringOptions, lowerTrace } from '../lower/traceLowering.js';
import { createSession, type OnnxRuntime, runSession, toOnnxTensor } from '../session/onnxRuntime.js';
import { UNOPTIMIZED_OPTIONS } from '../session/sessionOptions.js';
import type { NamedTracedTensor, TracedPass, TracePair } from '../trace/tracePair.js';

/** Of the largest number that an operation made: what single precision leaves of sums in another order. */
const OP_TOLERANCE = 1e-4;

/**
 * Throws an `engine` fault naming the first operation that ONNX Runtime computes otherwise than the backend that both
 * passes were recorded on. Each operation is given the numbers that its twin was given: where a maximum is nearly tied,
 * rounding alone sends a gradient elsewhere, so that two right engines differ at the end of a whole step.
 */
export async function verifyOps(
  runtime: OnnxRuntime,
  twins: TracePair,
  options: LoweringOptions,
): Promise<void> {
  for (const [pass, twin] of [twins, [...twins].reverse() as unknown as TracePair])
    await verifyTrace(runtime, pass, twin, options);
}

async function verifyTrace(
  runtime: OnnxRuntime,
  pass: TracedPass,
  twin: TracedPass,
  options: LoweringOptions,
): Promise<void> {
  const { calls, intermediates } = pass.trace;
  const declared = new Map(pass.inputs.map(({ tensor }) => [tensor.id, tensor]));
  // Everything that was made becomes an input; what each call makes of it, an output.
  const inputs = new Map<object, NamedTracedTensor>();
  const originals: TracedTensor[] = [];
  const apart = calls.map((call): KernelCall => {
    for (const tensor of Object.values(call.inputs)) {
      const given = declared.has(tensor.id) || intermediates.has(tensor.id);
      if (given && !inputs.has(tensor.id)) inputs.set(tensor.id, { name: `in${inputs.size}`, tensor });
    }
    const outputs = call.outputs.map((output) => {
      originals.push(output);
      return { ...output, id: {} };
    });
    return { ...call, outputs };
  });
  const outputs = apart.flatMap((call) => call.outputs).map((tensor, i) => ({ name: `out${i}`, tensor }));
  const own = { ...pass.trace, calls: apart };
  const graph = lowerTrace(own, twin.trace, [...inputs.values()], outputs, options);
  const port = ({ name, tensor: { shape } }: NamedTracedTensor) => ({ name, shape, description: '' });
  const bytes = encodeOnnxModel({
    ...graph,
    inputs: [...inputs.values()].map(port),
    outputs: outputs.map(port),
    description: '',
    metadata: {},
  });
  const session = await createSession(runtime, bytes, 'the check', UNOPTIMIZED_OPTIONS);
  const numbersOf = ({ id, shape }: TracedTensor): HostArray => ({
    shape,
    data: getTracedValues(pass.trace, id),
  });
  try {
    const feeds = Object.fromEntries(
      [...inputs.values()].map(({ name, tensor }) => [name, toOnnxTensor(runtime, numbersOf(tensor))]),
    );
    const results = await runSession(runtime, session, 'the check', feeds);
    originals.forEach((original, i) => {
      const call = findCall(calls, original);
      const made = results[`out${i}`]!.data;
      const [wanted, received] = excludeDenormals(call, numbersOf(original).data, made, numbersOf);
      const off = computeRelativeDifference(
        wanted,
        received,
        computeErrorScale(call, original, (tensor) => numbersOf(tensor).data),
      );
      if (off > OP_TOLERANCE) throw createOpMismatchError(call, off);
    });
  } finally {
    await session.release();
  }
}

/** The least number that single precision holds in full. */
const MIN_NORMAL_FLOAT32 = 2 ** -126;

/** Steps at zero: what is on one side of it for one engine is zero for another that flushes what is smaller to it. */
function excludeDenormals(
  { kernel, inputs: { x } }: KernelCall,
  wanted: Float32Array,
  received: Float32Array,
  numbersOf: (tensor: TracedTensor) => HostArray,
): readonly [wanted: Float32Array, received: Float32Array] {
  if (!x || !/^(Sign|Step)$/.test(kernel) || wanted.length !== received.length) return [wanted, received];
  const { data } = numbersOf(x);
  const whole = (_: number, i: number) => data[i] === 0 || Math.abs(data[i]!) >= MIN_NORMAL_FLOAT32;
  return [wanted.filter(whole), received.filter(whole)];
}

const findCall = (calls: readonly KernelCall[], output: TracedTensor) =>
  calls.find(({ outputs }) => outputs.includes(output))!;

/**
 * A sum of numbers that cancel has an error of their size, not of its own; one of `n` of any signs is about as large as √n of
 * them. So a bias in front of batch normalisation, whose gradient is nothing but rounding, is no disagreement.
 */
function computeErrorScale(
  { kernel, inputs }: KernelCall,
  output: TracedTensor,
  numbersOf: (tensor: TracedTensor) => Float32Array,
): number {
  const of = (tensor: TracedTensor | undefined) => (tensor ? computeMaxAbs(numbersOf(tensor)) : 1);
  const { x, dy, filter, a, b } = inputs;
  if (/MatMul/.test(kernel)) return 0.01 * of(a) * of(b);
  if (/Conv/.test(kernel)) return 0.01 * of(x) * of(dy) * of(filter);
  if (/Mean/.test(kernel)) return 0.01 * of(x);
  if (/Sum|Norm|Bias/.test(kernel)) {
    const summed = dy ?? x;
    const n = summed ? computeSize(summed.shape) / Math.max(1, computeSize(output.shape)) : 1;
    return (n > 1 ? 0.1 * Math.sqrt(n) : 0.01) * of(summed);
  }
  return 0;
}

const computeSize = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

const computeMaxAbs = (values: Float32Array) =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * The largest difference of two tensors, of the largest finite number of the first, or of `least`; infinite for other NaNs.
 */
function computeRelativeDifference(wanted: Float32Array, received: Float32Array, least = 0): number {
  if (wanted.length !== received.length) return Number.POSITIVE_INFINITY;
  let largest = Math.max(least, 1e-30);
  let most = 0;
  for (let i = 0; i < wanted.length; i++) {
    const a = wanted[i]!;
    const b = received[i]!;
    const size = Math.abs(a);
    if (size > largest && size < Number.POSITIVE_INFINITY) largest = size;
    if (a === b) continue;
    const off = Math.abs(a - b);
    if (off > most) most = off;
    else if (Number.isNaN(off) && !(Number.isNaN(a) && Number.isNaN(b))) return Number.POSITIVE_INFINITY;
  }
  return most / largest;
}

function createOpMismatchError({ kernel, scope, outputs }: KernelCall, off: number) {
  return createError({
    kind: 'engine',
    path: `operation ${kernel}${scope ? ` of ${scope}` : ''}`,
    expected: 'the same numbers from ONNX Runtime as from TensorFlow.js',
    received: `others, up to ${off.toPrecision(2)} of the largest in [${outputs[0]!.shape.join(', ')}]`,
    advice: 'Use engine "wasm" or "native", and tell the maintainers which operation it is.',
  });
}
