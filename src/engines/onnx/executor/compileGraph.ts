import { isMultitaskError } from '../../../core/errors/errors.js';
import { encodeOnnxModel, type ValueInfo } from '../../../formats/onnxModel.js';
import { type LoweringOptions, lowerTrace, resolveSize } from '../lower/traceLowering.js';
import { findChannelBlock } from '../session/findChannelBlock.js';
import type { OnnxRuntime, OnnxTensor } from '../session/onnxRuntime.js';
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
  readonly outputNames: readonly string[];
  /** Runs one batch. `feeds` are the inputs, keyed by name. Returns the outputs that are listed in `outputs`, keyed by name. */
  run(
    feeds: { readonly [name: string]: OnnxTensor },
    outputs: readonly string[],
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
  const tracing = tracePassPair(pass, options);
  const channelBlock = await findChannelBlock(runtime);
  await verify(runtime, pass, tracing, { channelBlock }, options);
  const { pair } = tracing;
  return {
    acceptsAnyBatchSize: pair[0].batchSize !== pair[1].batchSize,
    createSession: (sessionOptions) => {
      const { verificationOutputs = [] } = options;
      const bytes = lowerPair(pair, { channelBlock }, sessionOptions.batchSize, verificationOutputs);
      return createGraphSession(runtime, bytes, { ...sessionOptions, threads: options.threads });
    },
  };
}

/** Two traces of a function. Only the second trace contains the values that the verification needs. */
interface PairTracing {
  readonly pair: TracePair;
  /** Positions in the second trace of the operations to verify. */
  readonly distinctCalls: readonly number[];
}

function tracePassPair(pass: TraceablePass, options: CompileOptions): PairTracing {
  try {
    return traceWithSizes(pass, TRACE_BATCH_SIZES, options);
  } catch (error) {
    if (!(isMultitaskError(error) && error.kind === 'engine')) throw error;
    return traceWithSizes(pass, [options.batchSize, options.batchSize], options);
  }
}

/**
 * Traces the function twice and checks that its outputs contain no NaN, because NaN cannot be compared with the results of ONNX Runtime.
 */
function traceWithSizes(
  pass: TraceablePass,
  [size, otherSize]: readonly [number, number],
  { description, comparedOutputs }: CompileOptions,
): PairTracing {
  const valuedOutputs = getComparedNames(comparedOutputs);
  const first = tracePass(pass, size, 0, { limitsHeap: true, valuedOutputs });
  const isFirstNaN = containsNaN(first, valuedOutputs);
  dropValues(first);
  const { selectCall, indices } = selectDistinctCalls(first);
  const second = tracePass(pass, otherSize, 1, { limitsHeap: true, valuedOutputs, selectCall });
  checkSameTrace(first, second);
  if (isFirstNaN) throw createNaNError(pass, first, description);
  if (containsNaN(second, valuedOutputs)) throw createNaNError(pass, second, description);
  return { pair: [first, second], distinctCalls: indices };
}

/**
 * Lowers two traces of the same function to one ONNX graph for batches of `batchSize` examples, and encodes the graph as a file. The graph
 * has no outputs whose names are in `omittedOutputs`.
 */
function lowerPair(
  [first, second]: TracePair,
  options: LoweringOptions,
  batchSize: number,
  omittedOutputs: readonly string[] = [],
): Uint8Array {
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
  return encodeOnnxModel({
    ...graph,
    inputs: toValueInfos(
      first.inputs.filter(({ name }) => readNames.has(name)),
      second.inputs,
    ),
    outputs: toValueInfos(outputs, second.outputs),
    description: '',
    metadata: {},
  });
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
): Promise<void> {
  const [first, second] = pair;
  const lower = ({ batchSize }: TracedPass) => lowerPair(pair, loweringOptions, batchSize);
  const firstBytes = lower(first);
  await verifyOnce(store && { store, log }, firstBytes, runtime.label, async () => {
    await verifyOps(runtime, second, first, distinctCalls, loweringOptions);
    await verifyStep(runtime, lower(second), second, description, comparedOutputs);
    dropValues(second);
    const { selectCall, indices } = selectDistinctCalls(second);
    const repeated = tracePass(pass, first.batchSize, first.variant, {
      limitsHeap: true,
      valuedOutputs: getComparedNames(comparedOutputs),
      selectCall,
    });
    checkSameTrace(repeated, second);
    await verifyOps(runtime, repeated, second, indices, loweringOptions);
    await verifyStep(runtime, firstBytes, repeated, description, comparedOutputs);
  });
  dropValues(second);
}

async function createGraphSession(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  { description, threads }: Pick<CompileOptions, 'description' | 'threads'>,
): Promise<GraphSession> {
  const session = await createSession(runtime, bytes, description, {
    ...TRAINING_OPTIONS,
    ...toThreadOptions(threads),
  });
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, outputs) => runSession(runtime, session, description, feeds, outputs),
    release: () => session.release(),
  };
}
