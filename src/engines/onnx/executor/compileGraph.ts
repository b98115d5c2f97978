import { isMultitaskError } from '../../../core/errors/errors.js';
import { encodeOnnxModel, type OnnxModel, type ValueInfo } from '../../../formats/onnxModel.js';
import { findInPlaceOutputs } from '../lower/findInPlaceOutputs.js';
import { type LoweringOptions, lowerTrace, resolveSize } from '../lower/traceLowering.js';
import { findChannelBlock } from '../session/findChannelBlock.js';
import type { OnnxRuntime, OnnxTensor } from '../session/onnxRuntime.js';
import { addCopyStopper, type BufferedRun, findBufferedRun } from '../session/outputBuffers.js';
import { createSession, runSession } from '../session/session.js';
import { type OnnxEngineOptions, TRAINING_OPTIONS, toThreadOptions } from '../session/sessionOptions.js';
import {
  checkSameTrace,
  dropValues,
  type NamedTracedTensor,
  type TraceablePass,
  type TracedPass,
  type TracePair,
  tracePass,
} from '../trace/tracePair.js';
import { selectDistinctCalls } from '../verify/distinctCalls.js';
import { containsNaN, createNaNError } from '../verify/findNaN.js';
import { verifyOnce } from '../verify/verificationCache.js';
import { verifyOps } from '../verify/verifyOps.js';
import { type ComparedOutputs, getComparedNames, verifyStep } from '../verify/verifyStep.js';
import { CompileProgress } from './compileProgress.js';

/** Options for compiling a {@link TraceablePass}, such as a training step, to an ONNX graph. */
export interface CompileOptions extends OnnxEngineOptions {
  /** Name of the compiled computation in error messages, for example `the training step`. */
  readonly description: string;
  /** Batch size to compile for if the graph cannot be made independent of the batch size. */
  readonly batchSize: number;
  /** Outputs that are compared with the results of TensorFlow.js to verify the whole graph. */
  readonly comparedOutputs: ComparedOutputs;
  /** Names of outputs that only the verification reads. Sessions do not compute them. */
  readonly verificationOutputs?: readonly string[];
  /** Returns the name of the input that the output with this name replaces in the next run, or undefined. */
  readonly getReplacedInput?: (output: string) => string | undefined;
}

/** An ONNX graph that was verified against TensorFlow.js. */
export interface CompiledGraph {
  /** True if sessions can be created for any batch size, false if only for the batch size that the graph was compiled for. */
  readonly acceptsAnyBatchSize: boolean;
  /**
   * Creates an ONNX Runtime session that runs batches of `batchSize` examples. The graph is written again for each batch size, which takes
   * less than a second, because the traces are kept and the operations are not verified again.
   */
  createSession(options: Pick<CompileOptions, 'description' | 'batchSize'>): Promise<GraphSession>;
}

/** An ONNX Runtime session that runs batches of one size. */
export interface GraphSession {
  readonly inputNames: readonly string[];
  /** Shapes of the outputs, keyed by name. */
  readonly outputShapes: ReadonlyMap<string, readonly number[]>;
  /** Names of the outputs that can be written to the memory of the inputs that they replace. */
  readonly inPlaceOutputs: ReadonlySet<string>;
  /** Whether `run` writes to the buffers. */
  readonly acceptsBuffers: boolean;
  /**
   * Runs one batch. `feeds` are the inputs, keyed by name. `buffers` are the tensors to which the outputs are written, keyed by name.
   * Returns the outputs, keyed by name: the buffers, or new tensors if the session does not accept buffers.
   */
  run(
    feeds: { readonly [name: string]: OnnxTensor },
    buffers: { readonly [name: string]: OnnxTensor },
  ): Promise<{ readonly [name: string]: OnnxTensor }>;
  release(): Promise<void>;
}

/**
 * Batch sizes of the two traces of a training step. Neither is 2, because the gradient of batch normalization over two examples is zero
 * except for rounding errors.
 */
const TRACE_BATCH_SIZES = [3, 4] as const;

/**
 * Compiles a function of tensors to a verified ONNX graph: traces the function twice, lowers both traces to one graph, and verifies that
 * ONNX Runtime computes the same results as TensorFlow.js for both traces.
 *
 * The traces use batches of three and four examples. Tracing small batches is much faster than tracing a full batch, and the two different
 * sizes show which tensor sizes depend on the batch size, so that the graph can be written for any batch size. If the function reads its
 * batch size in JavaScript, the function is traced with `batchSize` examples instead, and the graph accepts only that batch size.
 *
 * @throws `engine` error that names the operation and its layer if an operation has no lowering, depends on random numbers or a counter in
 *   JavaScript, or has different results in ONNX Runtime; `number` error if losses or gradients of the first batch are NaN; `memory` error
 *   if the graph is too large.
 */
export async function compileGraph(
  runtime: OnnxRuntime,
  pass: TraceablePass,
  options: CompileOptions,
): Promise<CompiledGraph> {
  const { description, log = () => {}, signal } = options;
  const progress = new CompileProgress(description, log, signal);
  const tracing = await tracePassPair(pass, options, progress);
  const channelBlock = await findChannelBlock(runtime);
  const bufferedRun = await findBufferedRun(runtime);
  await verify(runtime, pass, tracing, { channelBlock }, options, progress);
  const { pair } = tracing;
  await progress.advance('optimizing the graph');
  return {
    acceptsAnyBatchSize: pair[0].batchSize !== pair[1].batchSize,
    createSession: async (sessionOptions) => {
      // A session for another batch size is created much later, so its progress is that of a new compilation.
      await new CompileProgress(sessionOptions.description, log, signal).advance('optimizing the graph');
      const { verificationOutputs = [] } = options;
      const model = lowerPair(pair, { channelBlock }, sessionOptions.batchSize, verificationOutputs);
      return createGraphSession(runtime, bufferedRun, model, { ...options, ...sessionOptions });
    },
  };
}

/** Two traces of a function. Only the second trace contains the values that the verification needs. */
interface PairTracing {
  readonly pair: TracePair;
  /** Positions in the second trace of the operations to verify. */
  readonly distinctCalls: readonly number[];
}

async function tracePassPair(
  pass: TraceablePass,
  options: CompileOptions,
  progress: CompileProgress,
): Promise<PairTracing> {
  try {
    return await traceWithSizes(pass, TRACE_BATCH_SIZES, options, progress);
  } catch (error) {
    if (!(isMultitaskError(error) && error.kind === 'engine')) throw error;
    return traceWithSizes(pass, [options.batchSize, options.batchSize], options, progress);
  }
}

/**
 * Traces the function twice and checks that its outputs contain no NaN, because NaN cannot be compared with the results of ONNX Runtime.
 */
async function traceWithSizes(
  pass: TraceablePass,
  [size, otherSize]: readonly [number, number],
  { description, comparedOutputs }: CompileOptions,
  progress: CompileProgress,
): Promise<PairTracing> {
  const valuedOutputs = getComparedNames(comparedOutputs);
  await progress.advance('recording its operations');
  const first = tracePass(pass, size, 0, { limitsHeap: true, valuedOutputs });
  const isFirstNaN = containsNaN(first, valuedOutputs);
  dropValues(first);
  const { selectCall, indices } = selectDistinctCalls(first);
  await progress.advance('recording its operations a second time');
  const second = tracePass(pass, otherSize, 1, { limitsHeap: true, valuedOutputs, selectCall });
  checkSameTrace(first, second);
  if (isFirstNaN) throw createNaNError(pass, first, description);
  if (containsNaN(second, valuedOutputs)) throw createNaNError(pass, second, description);
  return { pair: [first, second], distinctCalls: indices };
}

/**
 * Lowers two traces of the same function to one ONNX graph for batches of `batchSize` examples. The graph has no outputs whose names are in
 * `omittedOutputs`.
 */
function lowerPair(
  [first, second]: TracePair,
  options: LoweringOptions,
  batchSize: number,
  omittedOutputs: readonly string[] = [],
): OnnxModel {
  const outputs = first.outputs.filter(({ name }) => !omittedOutputs.includes(name));
  const batch = { size: batchSize, tracedSizes: [first.batchSize, second.batchSize] } as const;
  const graph = lowerTrace(first.trace, second.trace, first.inputs, outputs, { ...options, batch });
  const readNames = new Set(graph.nodes.flatMap((node) => node.inputs));
  const toValueInfos = (tensors: readonly NamedTracedTensor[], others: readonly NamedTracedTensor[]) => {
    const otherShapes = new Map(others.map(({ name, tensor }) => [name, tensor.shape]));
    return tensors.map(({ name, tensor }): ValueInfo => {
      const otherShape = otherShapes.get(name)!;
      const shape = tensor.shape.map((size, axis) => resolveSize(size, otherShape[axis]!, batch)!);
      return { name, shape, description: '' };
    });
  };
  return {
    ...graph,
    inputs: toValueInfos(
      first.inputs.filter(({ name }) => readNames.has(name)),
      second.inputs,
    ),
    outputs: toValueInfos(outputs, second.outputs),
    description: '',
    metadata: {},
  };
}

/**
 * Verifies the graphs for the batch sizes of the two traces against TensorFlow.js. Skips the verification if the cache shows that these
 * graphs were verified before. The graphs for all other batch sizes are lowered from the same traces, with the same operations.
 *
 * Only one trace has values at a time, to save memory: the values of the second trace are dropped before the function is traced again with
 * the batch of the first trace.
 */
async function verify(
  runtime: OnnxRuntime,
  pass: TraceablePass,
  { pair, distinctCalls }: PairTracing,
  loweringOptions: LoweringOptions,
  { compileCache: store, log = () => {}, description, comparedOutputs }: CompileOptions,
  progress: CompileProgress,
): Promise<void> {
  const [first, second] = pair;
  const lower = ({ batchSize }: TracedPass) => encodeOnnxModel(lowerPair(pair, loweringOptions, batchSize));
  const firstBytes = lower(first);
  await verifyOnce(store && { store, log }, firstBytes, runtime.label, async () => {
    // Both traces have about the same number of distinct operations.
    const total = 2 * distinctCalls.length;
    const reportOps = (count: number) =>
      progress.advance(`verifying its operations, ${Math.floor((100 * count) / total)} %`);
    await verifyOps(runtime, second, first, distinctCalls, loweringOptions, reportOps);
    await progress.advance('verifying the whole step');
    await verifyStep(runtime, lower(second), second, description, comparedOutputs);
    dropValues(second);
    const { selectCall, indices } = selectDistinctCalls(second);
    await progress.advance('recording its operations a third time');
    const repeated = tracePass(pass, first.batchSize, first.variant, {
      limitsHeap: true,
      valuedOutputs: getComparedNames(comparedOutputs),
      selectCall,
    });
    checkSameTrace(repeated, second);
    const reportRepeatedOps = (count: number) => reportOps(distinctCalls.length + count);
    await verifyOps(runtime, repeated, second, indices, loweringOptions, reportRepeatedOps);
    await progress.advance('verifying the whole step with the other batch size');
    await verifyStep(runtime, firstBytes, repeated, description, comparedOutputs);
  });
  dropValues(second);
}

async function createGraphSession(
  runtime: OnnxRuntime,
  bufferedRun: BufferedRun | undefined,
  model: OnnxModel,
  {
    description,
    threads,
    getReplacedInput = () => undefined,
  }: Pick<CompileOptions, 'description' | 'threads' | 'getReplacedInput'>,
): Promise<GraphSession> {
  const bytes = encodeOnnxModel(bufferedRun ? addCopyStopper(model) : model);
  const session = await createSession(runtime, bytes, description, {
    ...TRAINING_OPTIONS,
    ...toThreadOptions(threads),
  });
  const outputShapes = new Map(model.outputs.map(({ name, shape }) => [name, shape as readonly number[]]));
  return {
    inputNames: session.inputNames,
    outputShapes,
    inPlaceOutputs: findInPlaceOutputs(model.nodes, [...outputShapes.keys()], getReplacedInput),
    acceptsBuffers: bufferedRun !== undefined,
    run: async (feeds, buffers) => {
      if (!bufferedRun) return runSession(runtime, session, description, feeds);
      await bufferedRun(session, description, feeds, buffers);
      return buffers;
    },
    release: () => session.release(),
  };
}
