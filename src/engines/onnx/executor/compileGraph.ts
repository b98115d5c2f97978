import { isMultitaskError } from '../../../core/errors/errors.js';
import { encodeOnnxModel, type ValueInfo } from '../../../formats/onnxModel.js';
import { type LoweringOptions, lowerTrace } from '../lower/traceLowering.js';
import { findChannelBlock } from '../session/findChannelBlock.js';
import type { OnnxRuntime, OnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import {
  type OnnxEngineOptions,
  TRAINING_OPTIONS,
  toThreadOptions,
  VERIFICATION_OPTIONS,
} from '../session/sessionOptions.js';
import {
  checkSameTrace,
  dropValues,
  type NamedTracedTensor,
  type TraceablePass,
  type TracedPass,
  type TracePair,
  tracePass,
} from '../trace/tracePair.js';
import { checkForNaN } from '../verify/checkForNaN.js';
import { selectDistinctCalls } from '../verify/distinctCalls.js';
import { verifyOnce } from '../verify/verificationCache.js';
import { verifyOps } from '../verify/verifyOps.js';
import { type ComparedOutputs, verifyStep } from '../verify/verifyStep.js';

/** Options for compiling a {@link TraceablePass}, such as a training step, to an ONNX graph. */
export interface CompileOptions extends OnnxEngineOptions {
  /** Name of the compiled computation in error messages, for example `the training step`. */
  readonly description: string;
  /** Batch size to compile for if the graph cannot be made independent of the batch size. */
  readonly batchSize: number;
  /** Outputs that are compared with the results of TensorFlow.js to verify the whole graph. */
  readonly comparedOutputs: ComparedOutputs;
}

/** An ONNX graph that was verified against TensorFlow.js. */
export interface CompiledGraph {
  /** True if the graph can run batches of any size, false if it can run only batches of the size that it was compiled for. */
  readonly acceptsAnyBatchSize: boolean;
  /** Creates an ONNX Runtime session that runs batches of `batchSize` examples. */
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
/** Name of the variable batch dimension in the input and output shapes of the ONNX graph. */
const BATCH_DIMENSION = 'batch';

/**
 * Compiles a function of tensors to a verified ONNX graph: traces the function twice, lowers both traces to one graph, and verifies that
 * ONNX Runtime computes the same results as TensorFlow.js for both traces.
 *
 * The traces use batches of three and four examples. Tracing small batches is much faster than tracing a full batch, and the two different
 * sizes show which tensor sizes depend on the batch size, so that the graph accepts any batch size. If the function reads its batch size in
 * JavaScript, the function is traced with `batchSize` examples instead, and the graph accepts only that batch size.
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
  const pair: TracePair = [tracing.first, dropValues(tracing.second)];
  const loweringOptions = { channelBlock: await findChannelBlock(runtime) };
  const bytes = lowerPair(pair, loweringOptions);
  await verify(runtime, bytes, pass, tracing, loweringOptions, options);
  return {
    acceptsAnyBatchSize: pair[0].batchSize !== pair[1].batchSize,
    createSession: (sessionOptions) =>
      createGraphSession(runtime, bytes, { ...sessionOptions, threads: options.threads }),
  };
}

/** Two traces of a function, of which the second contains the values that its verification needs. */
interface PairTracing {
  readonly first: TracedPass;
  second: TracedPass;
  /** Positions of the calls in `second` that must be verified. */
  readonly indices: readonly number[];
}

/**
 * Traces the function twice, and checks that its outputs contain no NaN, because NaN cannot be compared with the results of ONNX Runtime.
 */
function tracePassPair(pass: TraceablePass, options: CompileOptions): PairTracing {
  try {
    return traceWithSizes(pass, TRACE_BATCH_SIZES, options);
  } catch (error) {
    if (!(isMultitaskError(error) && error.kind === 'engine')) throw error;
    return traceWithSizes(pass, [options.batchSize, options.batchSize], options);
  }
}

function traceWithSizes(
  pass: TraceablePass,
  batchSizes: readonly [number, number],
  { description, comparedOutputs }: CompileOptions,
): PairTracing {
  const valuedOutputs = Object.keys(comparedOutputs);
  const tracingOptions = { limitsHeap: true, valuedOutputs };
  const firstWithOutputs = tracePass(pass, batchSizes[0], 0, tracingOptions);
  const first = dropValues(firstWithOutputs);
  const { selectCall, indices } = selectDistinctCalls(first);
  const second = tracePass(pass, batchSizes[1], 1, { ...tracingOptions, selectCall });
  checkSameTrace(first, second);
  for (const traced of [firstWithOutputs, second]) {
    checkForNaN(pass, traced, description, valuedOutputs);
  }
  return { first, second, indices };
}

/** Lowers two traces of the same function to one ONNX graph, and encodes the graph as a file. */
function lowerPair([first, second]: TracePair, options: LoweringOptions): Uint8Array {
  const { inputs } = first;
  const graph = lowerTrace(first.trace, second.trace, inputs, first.outputs, options);
  const readNames = new Set(graph.nodes.flatMap((node) => node.inputs));
  return encodeOnnxModel({
    ...graph,
    inputs: inputs
      .filter(({ name }) => readNames.has(name))
      .map((input) => toValueInfo(input, second.inputs)),
    outputs: first.outputs.map((output) => toValueInfo(output, second.outputs)),
    description: '',
    metadata: {},
  });
}

function toValueInfo({ name, tensor }: NamedTracedTensor, others: readonly NamedTracedTensor[]): ValueInfo {
  const otherShape = others.find((other) => other.name === name)!.tensor.shape;
  const shape = tensor.shape.map((size, axis) => (size === otherShape[axis] ? size : BATCH_DIMENSION));
  return { name, shape, description: '' };
}

/**
 * Verifies the graph against TensorFlow.js for both traces. Skips the verification if the cache shows that the graph was verified before.
 * The values of only one trace are in memory at a time: the values of the second trace are dropped before the function is traced again with
 * the batch of the first trace.
 */
function verify(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  pass: TraceablePass,
  tracing: PairTracing,
  loweringOptions: LoweringOptions,
  { compileCache: store, log = () => {}, description, comparedOutputs }: CompileOptions,
): Promise<void> {
  const { first, indices } = tracing;
  return verifyOnce(store && { store, log }, bytes, runtime.label, async () => {
    const session = await createSession(runtime, bytes, description, VERIFICATION_OPTIONS);
    try {
      await verifyOps(runtime, tracing.second, first, indices, loweringOptions);
      await verifyStep(runtime, session, tracing.second, description, comparedOutputs);
      tracing.second = dropValues(tracing.second);
      const distinctCalls = selectDistinctCalls(tracing.second);
      const repeated = tracePass(pass, first.batchSize, first.variant, {
        limitsHeap: true,
        valuedOutputs: Object.keys(comparedOutputs),
        selectCall: distinctCalls.selectCall,
      });
      checkSameTrace(repeated, tracing.second);
      await verifyOps(runtime, repeated, tracing.second, distinctCalls.indices, loweringOptions);
      await verifyStep(runtime, session, repeated, description, comparedOutputs);
    } finally {
      await session.release();
    }
  });
}

async function createGraphSession(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  { description, batchSize, threads }: Pick<CompileOptions, 'description' | 'batchSize' | 'threads'>,
): Promise<GraphSession> {
  const session = await createSession(runtime, bytes, description, {
    ...TRAINING_OPTIONS,
    freeDimensionOverrides: { [BATCH_DIMENSION]: batchSize },
    ...toThreadOptions(threads),
  });
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, outputs) => runSession(runtime, session, description, feeds, outputs),
    release: () => session.release(),
  };
}
