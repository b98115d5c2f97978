import { createError, isMultitaskError } from '../../../core/errors/errors.js';
import type { Store } from '../../../core/platform/platform.js';
import { encodeOnnxModel, type ValueInfo } from '../../../formats/onnxModel.js';
import { getTracedValues } from '../../../tensor/trace/tracer.js';
import { type LoweringOptions, lowerTrace } from '../lower/traceLowering.js';
import { findChannelBlock } from '../session/findChannelBlock.js';
import {
  createSession,
  type OnnxRuntime,
  type OnnxTensor,
  runSession,
  toOnnxTensor,
} from '../session/onnxRuntime.js';
import { OPTIMIZED_OPTIONS, TRAINING_OPTIONS, toThreadOptions } from '../session/sessionOptions.js';
import {
  type NamedTracedTensor,
  type TraceablePass,
  type TracedPass,
  type TracePair,
  tracePair,
} from '../trace/tracePair.js';
import { verifyOnce } from '../verify/verificationCache.js';
import { verifyOps } from '../verify/verifyOps.js';

/** What a user may say about ONNX Runtime. */
export interface OnnxEngineOptions {
  /** Threads of a session; undefined where nobody knows how many the machine runs, which leaves it to the runtime. */
  readonly threads: number | undefined;
  /** Graphs that were found right before. */
  readonly compileCache: Store | undefined;
  /** Told what could not be kept. */
  readonly log?: ((line: string) => void) | undefined;
}

/** How a pass is compiled. */
export interface CompileOptions extends OnnxEngineOptions {
  /** For messages: `the training step`. */
  readonly description: string;
  /** Examples in a batch, for a pass whose constants depend on them; others serve every size. */
  readonly batchSize: number;
  /**
   * Outputs that both passes must agree on from end to end, and in which no number may be NaN; each with the lengths of the
   * vectors that it holds end to end.
   */
  readonly comparedOutputs: { readonly [output: string]: readonly number[] };
}

/** A pass as a graph that was found right. */
export interface CompiledGraph {
  readonly bytes: Uint8Array;
  /** Whether it serves batches of any size. */
  readonly acceptsAnyBatchSize: boolean;
}

/** A graph ready to run: arrays in by name, arrays out. */
export interface GraphSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** @param outputs - Those that are wanted. */
  run(
    feeds: { readonly [name: string]: OnnxTensor },
    outputs: readonly string[],
  ): Promise<{ readonly [name: string]: OnnxTensor }>;
  release(): Promise<void>;
}

/** Of two examples batch normalisation leaves a gradient of rounding alone. */
const TRACE_BATCH_SIZES = [3, 4] as const;
/** The first size of everything that has one entry an example, as a graph calls it. */
const BATCH_DIMENSION = 'batch';
/** Of its length as a vector: near-ties may send a few per cent of a gradient elsewhere; what is wired wrongly is all off. */
const STEP_TOLERANCE = 0.1;

/**
 * Records a pass twice, writes it as one ONNX graph, and trusts that graph when ONNX Runtime computes what TensorFlow.js did
 * in both. Three and four examples are recorded, which costs a fraction of a step, and the size of the batch stays free; a pass
 * that reads it in JavaScript is recorded on `count` examples, for that size alone.
 *
 * @throws `engine` fault naming operation and place for one that has no counterpart, draws or counts in JavaScript, or
 *   comes out otherwise; `number` fault for a pass that makes NaN of its first batch; `memory` fault for a graph too large.
 */
export async function compileGraph(
  runtime: OnnxRuntime,
  pass: TraceablePass,
  options: CompileOptions,
): Promise<CompiledGraph> {
  const twins = tracePassPair(pass, options.batchSize);
  for (const own of twins) checkForNaN(own, options);
  const loweringOptions = { channelBlock: await findChannelBlock(runtime) };
  const bytes = encodeGraph(twins, loweringOptions);
  const { compileCache: store, log = () => {} } = options;
  await verifyOnce(store && { store, log }, bytes, runtime.label, async () => {
    await verifyOps(runtime, twins, loweringOptions);
    await verifyStep(runtime, bytes, twins, options);
  });
  return { bytes, acceptsAnyBatchSize: twins[0].batchSize !== twins[1].batchSize };
}

/** Makes a graph ready for batches of `count`. */
export async function createGraphSession(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  { description: what, batchSize, threads }: Pick<CompileOptions, 'description' | 'batchSize' | 'threads'>,
): Promise<GraphSession> {
  const session = await createSession(runtime, bytes, what, {
    ...TRAINING_OPTIONS,
    freeDimensionOverrides: { [BATCH_DIMENSION]: batchSize },
    ...toThreadOptions(threads),
  });
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, outputs) => runSession(runtime, session, what, feeds, outputs),
    release: () => session.release(),
  };
}

function tracePassPair(pass: TraceablePass, count: number): TracePair {
  try {
    return tracePair(pass, TRACE_BATCH_SIZES, true);
  } catch (error) {
    if (!(isMultitaskError(error) && error.kind === 'engine')) throw error;
    return tracePair(pass, [count, count], true);
  }
}

/** Throws a `number` fault when something steady is NaN, naming the first operation that made one. */
function checkForNaN(
  { trace, outputs }: TracedPass,
  { comparedOutputs, description: what }: CompileOptions,
): void {
  const broken = (id: object) => getTracedValues(trace, id).some(Number.isNaN);
  if (!outputs.some(({ name, tensor }) => name in comparedOutputs && broken(tensor.id))) return;
  const first = trace.calls.find((call) => call.outputs.some(({ id }) => broken(id)));
  throw createError({
    kind: 'number',
    path: what,
    expected: 'finite numbers from the first batch',
    received: first
      ? `NaN, first from operation ${first.kernel}${first.scope ? ` of ${first.scope}` : ''}`
      : 'NaN among its inputs',
    advice: 'Look at the labels and weights, lower the learning rate, or clip the gradients.',
  });
}

function encodeGraph([one, other]: TracePair, layout: LoweringOptions): Uint8Array {
  const inputs = one.inputs.filter(({ tensor }) => one.trace.leaves.has(tensor.id));
  const graph = lowerTrace(one.trace, other.trace, inputs, one.outputs, layout);
  const used = new Set(graph.nodes.flatMap((node) => node.inputs));
  return encodeOnnxModel({
    ...graph,
    inputs: inputs.filter(({ name }) => used.has(name)).map((input) => toValueInfo(input, other.inputs)),
    outputs: one.outputs.map((output) => toValueInfo(output, other.outputs)),
    description: '',
    metadata: {},
  });
}

function toValueInfo({ name, tensor }: NamedTracedTensor, others: readonly NamedTracedTensor[]): ValueInfo {
  const other = others.find((twin) => twin.name === name)!.tensor.shape;
  const shape = tensor.shape.map((size, axis) => (size === other[axis] ? size : BATCH_DIMENSION));
  return { name, shape, description: '' };
}

/** Operations that agree one by one could still be put together wrongly. */
async function verifyStep(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  twins: TracePair,
  { description: what, comparedOutputs }: CompileOptions,
) {
  const session = await createSession(runtime, bytes, what, OPTIMIZED_OPTIONS);
  try {
    for (const { trace, inputs, outputs } of twins) {
      const numbersOf = (id: object) => getTracedValues(trace, id);
      const feeds = inputs
        .filter(({ name }) => session.inputNames.includes(name))
        .map(({ name, tensor: { id, shape } }) => [
          name,
          toOnnxTensor(runtime, { shape, data: numbersOf(id) }),
        ]);
      const results = await runSession(runtime, session, what, Object.fromEntries(feeds));
      for (const { name, tensor } of outputs.filter((output) => output.name in comparedOutputs)) {
        const off = computeRelativeDistance(
          numbersOf(tensor.id),
          results[name]!.data,
          comparedOutputs[name]!,
        );
        if (!(off <= STEP_TOLERANCE)) throw createStepMismatchError(what, name, off);
      }
    }
  } finally {
    await session.release();
  }
}

/** A vector much shorter than the whole is rounding, where batch normalisation takes a bias away: this is its scale. */
const MIN_RELATIVE_NORM = 0.01;

/** The largest distance between vectors that lie end to end, each of its own length. */
function computeRelativeDistance(
  wanted: Float32Array,
  received: Float32Array,
  lengths: readonly number[],
): number {
  const norm = (numbers: Float32Array) => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0));
  const whole = norm(wanted);
  let at = 0;
  return lengths.reduce((most, length) => {
    const [own, other] = [wanted.subarray(at, at + length), received.subarray(at, at + length)];
    at += length;
    const off =
      norm(own.map((x, i) => x - other[i]!)) / Math.max(norm(own), MIN_RELATIVE_NORM * whole, 1e-30);
    return Number.isNaN(off) ? off : Math.max(most, off);
  }, 0);
}

function createStepMismatchError(what: string, name: string, off: number) {
  return createError({
    kind: 'engine',
    path: `engine onnx: ${what}`,
    expected: 'the numbers of TensorFlow.js',
    received: `others in "${name}", by ${off.toPrecision(2)} of their length, though each operation agrees`,
    advice: 'Use engine "wasm" or "native", and tell the maintainers.',
  });
}
