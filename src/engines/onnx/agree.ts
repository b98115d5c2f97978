import { fault } from '../../core/errors.js';
import type { NamedArray } from '../../io/tensorFile.js';
import { type KernelCall, numbersIn, type Seen } from '../../tensor/recorder.js';
import { onnxBytes } from './format.js';
import { type GraphOptions, graphOf } from './graph.js';
import { openSession, type Runtime, runSession, runtimeTensor } from './runtime.js';
import { PLAIN } from './sessionOptions.js';
import type { NamedSeen, RecordedPass, Twins } from './twins.js';

/** Of the largest number that an operation made: what single precision leaves of sums in another order. */
const TOLERANCE = 1e-4;

/**
 * Throws an `engine` fault naming the first operation that ONNX Runtime computes otherwise than the backend that both
 * passes were recorded on. Each operation is given the numbers that its twin was given: where a maximum is nearly tied,
 * rounding alone sends a gradient elsewhere, so that two right engines differ at the end of a whole step.
 */
export async function agree(runtime: Runtime, twins: Twins, options: GraphOptions): Promise<void> {
  for (const [pass, twin] of [twins, [...twins].reverse() as unknown as Twins])
    await agreeOn(runtime, pass, twin, options);
}

async function agreeOn(
  runtime: Runtime,
  pass: RecordedPass,
  twin: RecordedPass,
  options: GraphOptions,
): Promise<void> {
  const { calls, made } = pass.recording;
  const declared = new Map(pass.inputs.map(({ tensor }) => [tensor.id, tensor]));
  // Everything that was made becomes an input; what each call makes of it, an output.
  const inputs = new Map<object, NamedSeen>();
  const originals: Seen[] = [];
  const apart = calls.map((call): KernelCall => {
    for (const tensor of Object.values(call.inputs)) {
      const given = declared.has(tensor.id) || made.has(tensor.id);
      if (given && !inputs.has(tensor.id)) inputs.set(tensor.id, { name: `in${inputs.size}`, tensor });
    }
    const outputs = call.outputs.map((output) => {
      originals.push(output);
      return { ...output, id: {} };
    });
    return { ...call, outputs };
  });
  const outputs = apart.flatMap((call) => call.outputs).map((tensor, i) => ({ name: `out${i}`, tensor }));
  const own = { ...pass.recording, calls: apart };
  const graph = graphOf(own, twin.recording, [...inputs.values()], outputs, options);
  const port = ({ name, tensor: { shape } }: NamedSeen) => ({ name, shape, description: '' });
  const bytes = onnxBytes({
    ...graph,
    inputs: [...inputs.values()].map(port),
    outputs: outputs.map(port),
    description: '',
    metadata: {},
  });
  const session = await openSession(runtime, bytes, 'the check', PLAIN);
  const numbersOf = ({ id, shape }: Seen): NamedArray => ({
    shape,
    data: numbersIn(pass.recording, id),
  });
  try {
    const feeds = Object.fromEntries(
      [...inputs.values()].map(({ name, tensor }) => [name, runtimeTensor(runtime, numbersOf(tensor))]),
    );
    const results = await runSession(runtime, session, 'the check', feeds);
    originals.forEach((original, i) => {
      const call = callOf(calls, original);
      const made = results[`out${i}`]!.data;
      const [wanted, received] = withoutFlushed(call, numbersOf(original).data, made, numbersOf);
      const off = difference(
        wanted,
        received,
        leastScale(call, original, (tensor) => numbersOf(tensor).data),
      );
      if (off > TOLERANCE) throw disagrees(call, off);
    });
  } finally {
    await session.release();
  }
}

/** The least number that single precision holds in full. */
const LEAST_NORMAL = 2 ** -126;

/** Steps at zero: what is on one side of it for one engine is zero for another that flushes what is smaller to it. */
function withoutFlushed(
  { kernel, inputs: { x } }: KernelCall,
  wanted: Float32Array,
  received: Float32Array,
  numbersOf: (tensor: Seen) => NamedArray,
): readonly [wanted: Float32Array, received: Float32Array] {
  if (!x || !/^(Sign|Step)$/.test(kernel) || wanted.length !== received.length) return [wanted, received];
  const { data } = numbersOf(x);
  const whole = (_: number, i: number) => data[i] === 0 || Math.abs(data[i]!) >= LEAST_NORMAL;
  return [wanted.filter(whole), received.filter(whole)];
}

const callOf = (calls: readonly KernelCall[], output: Seen) =>
  calls.find(({ outputs }) => outputs.includes(output))!;

/**
 * A sum of numbers that cancel has an error of their size, not of its own; one of `n` of any signs is about as large as √n of
 * them. So a bias in front of batch normalisation, whose gradient is nothing but rounding, is no disagreement.
 */
function leastScale(
  { kernel, inputs }: KernelCall,
  output: Seen,
  numbersOf: (tensor: Seen) => Float32Array,
): number {
  const of = (tensor: Seen | undefined) => (tensor ? largestOf(numbersOf(tensor)) : 1);
  const { x, dy, filter, a, b } = inputs;
  if (/MatMul/.test(kernel)) return 0.01 * of(a) * of(b);
  if (/Conv/.test(kernel)) return 0.01 * of(x) * of(dy) * of(filter);
  if (/Mean/.test(kernel)) return 0.01 * of(x);
  if (/Sum|Norm|Bias/.test(kernel)) {
    const summed = dy ?? x;
    const n = summed ? sizeOf(summed.shape) / Math.max(1, sizeOf(output.shape)) : 1;
    return (n > 1 ? 0.1 * Math.sqrt(n) : 0.01) * of(summed);
  }
  return 0;
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

const largestOf = (values: Float32Array) =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * The largest difference of two tensors, of the largest finite number of the first, or of `least`; infinite for other NaNs.
 */
function difference(wanted: Float32Array, received: Float32Array, least = 0): number {
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

function disagrees({ kernel, place, outputs }: KernelCall, off: number) {
  return fault({
    kind: 'engine',
    path: `operation ${kernel}${place ? ` of ${place}` : ''}`,
    expected: 'the same numbers from ONNX Runtime as from TensorFlow.js',
    received: `others, up to ${off.toPrecision(2)} of the largest in [${outputs[0]!.shape.join(', ')}]`,
    advice: 'Use engine "wasm" or "native", and tell the maintainers which operation it is.',
  });
}
