import { isMultitaskError } from '../../../core/errors/errors.js';
import { encodeOnnxModel, type ValueInfo } from '../../../formats/onnxModel.js';
import { type LoweringOptions, lowerTrace } from '../lower/traceLowering.js';
import { findChannelBlock } from '../session/findChannelBlock.js';
import type { OnnxRuntime, OnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { type OnnxEngineOptions, TRAINING_OPTIONS, toThreadOptions } from '../session/sessionOptions.js';
import { type NamedTracedTensor, type TraceablePass, type TracePair, tracePair } from '../trace/tracePair.js';
import { checkForNaN } from '../verify/checkForNaN.js';
import { verifyOnce } from '../verify/verificationCache.js';
import { verifyOps } from '../verify/verifyOps.js';
import { type ComparedOutputs, verifyStep } from '../verify/verifyStep.js';

/** Options for compiling a pass. */
export interface CompileOptions extends OnnxEngineOptions {
  /** Name of the pass in error messages: `the training step`. */
  readonly description: string;
  /** Batch size of a pass that cannot be compiled for any batch size. */
  readonly batchSize: number;
  /** Outputs that are compared to verify the whole graph. */
  readonly comparedOutputs: ComparedOutputs;
}

/** A verified graph. */
export interface CompiledGraph {
  /** Whether the graph can run batches of any size, or only of the size that it was compiled for. */
  readonly acceptsAnyBatchSize: boolean;
  /** Creates a session that runs batches of `batchSize` examples. */
  createSession(options: Pick<CompileOptions, 'description' | 'batchSize'>): Promise<GraphSession>;
}

/** A session for batches of one size. */
export interface GraphSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs one batch and returns the given outputs by name. */
  run(
    feeds: { readonly [name: string]: OnnxTensor },
    outputs: readonly string[],
  ): Promise<{ readonly [name: string]: OnnxTensor }>;
  release(): Promise<void>;
}

/**
 * Batch sizes of the two traces. Neither is 2, because the gradient of batch normalization over two examples consists only of rounding
 * errors.
 */
const TRACE_BATCH_SIZES = [3, 4] as const;
/** Name of the variable batch dimension in the shapes of the graph's inputs and outputs. */
const BATCH_DIMENSION = 'batch';

/**
 * Compiles a pass to a verified ONNX graph, in four stages: trace the pass twice, lower the traces to one graph, verify that ONNX Runtime
 * gives the same results as TensorFlow.js for both traces, and create sessions for the graph.
 *
 * The traces use batches of three and four examples, which is much faster than tracing a full step, and leaves the batch size of the graph
 * variable. A pass that reads its batch size in JavaScript is traced with `batchSize` examples instead, and its graph accepts only that
 * batch size.
 *
 * @throws `engine` error with the operation and its layer if an operation has no lowering, draws random numbers or keeps a counter in
 *   JavaScript, or gives different results in ONNX Runtime; `number` error if the first batch results in NaN; `memory` error if the graph
 *   is too large.
 */
export async function compileGraph(
  runtime: OnnxRuntime,
  pass: TraceablePass,
  options: CompileOptions,
): Promise<CompiledGraph> {
  const pair = traceVerifiable(pass, options);
  const loweringOptions = { channelBlock: await findChannelBlock(runtime) };
  const bytes = lowerPair(pair, loweringOptions);
  await verify(runtime, bytes, pair, loweringOptions, options);
  return {
    acceptsAnyBatchSize: pair[0].batchSize !== pair[1].batchSize,
    createSession: (sessionOptions) =>
      createGraphSession(runtime, bytes, { ...sessionOptions, threads: options.threads }),
  };
}

/** Traces the pass, and checks that its outputs contain no NaN. */
function traceVerifiable(
  pass: TraceablePass,
  { batchSize, description, comparedOutputs }: CompileOptions,
): TracePair {
  const pair = tracePassPair(pass, batchSize);
  for (const tracedPass of pair) checkForNaN(tracedPass, description, comparedOutputs);
  return pair;
}

function tracePassPair(pass: TraceablePass, batchSize: number): TracePair {
  try {
    return tracePair(pass, TRACE_BATCH_SIZES, true);
  } catch (error) {
    if (!(isMultitaskError(error) && error.kind === 'engine')) throw error;
    return tracePair(pass, [batchSize, batchSize], true);
  }
}

/** Lowers a pair of traces to the bytes of an ONNX graph. */
function lowerPair([first, second]: TracePair, options: LoweringOptions): Uint8Array {
  const inputs = first.inputs.filter(({ tensor }) => first.trace.leaves.has(tensor.id));
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

/** Verifies the graph, unless the cache contains it. */
function verify(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  pair: TracePair,
  loweringOptions: LoweringOptions,
  { compileCache: store, log = () => {}, description, comparedOutputs }: CompileOptions,
): Promise<void> {
  return verifyOnce(store && { store, log }, bytes, runtime.label, async () => {
    await verifyOps(runtime, pair, loweringOptions);
    await verifyStep(runtime, bytes, pair, description, comparedOutputs);
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
