import { isMultitaskError } from '../../../core/errors/errors.js';
import { encodeOnnxModel, type ValueInfo } from '../../../formats/onnxModel.js';
import { type LoweringOptions, lowerTrace, resolveSize } from '../lower/traceLowering.js';
import { findChannelBlock } from '../session/findChannelBlock.js';
import type { OnnxRuntime, OnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { type OnnxEngineOptions, TRAINING_OPTIONS, toThreadOptions } from '../session/sessionOptions.js';
import {
  type NamedTracedTensor,
  type TraceablePass,
  type TracedPass,
  type TracePair,
  tracePair,
} from '../trace/tracePair.js';
import { checkForNaN } from '../verify/checkForNaN.js';
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
  const pair = traceVerifiable(pass, options);
  const channelBlock = await findChannelBlock(runtime);
  await verify(runtime, pair, { channelBlock }, options);
  const constantPair = dropValues(pair);
  return {
    acceptsAnyBatchSize: pair[0].batchSize !== pair[1].batchSize,
    createSession: (sessionOptions) => {
      const bytes = lowerPair(constantPair, { channelBlock }, sessionOptions.batchSize);
      return createGraphSession(runtime, bytes, { ...sessionOptions, threads: options.threads });
    },
  };
}

/**
 * Traces the function twice and checks that its outputs contain no NaN, because NaN cannot be compared with the results of ONNX Runtime.
 */
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

/** Lowers two traces of the same function to one ONNX graph for batches of `batchSize` examples, and encodes the graph as a file. */
function lowerPair([first, second]: TracePair, options: LoweringOptions, batchSize: number): Uint8Array {
  const batch = { size: batchSize, tracedSizes: [first.batchSize, second.batchSize] } as const;
  const graph = lowerTrace(first.trace, second.trace, first.inputs, first.outputs, { ...options, batch });
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
    outputs: toValueInfos(first.outputs, second.outputs),
    description: '',
    metadata: {},
  });
}

/** Returns a copy of two traces without the values of all tensors that are not constants of the graph, to save memory. */
function dropValues([first, second]: TracePair): TracePair {
  const dropPassValues = (pass: TracedPass): TracedPass => {
    const inputIds = new Set(pass.inputs.map(({ tensor }) => tensor.id));
    const constants = [...pass.trace.leaves].filter(([id]) => !inputIds.has(id));
    return { ...pass, trace: { ...pass.trace, leaves: new Map(constants), intermediates: new Map() } };
  };
  return [dropPassValues(first), dropPassValues(second)];
}

/**
 * Verifies the graphs for the batch sizes of the two traces against TensorFlow.js. Skips the verification if the cache shows that these
 * graphs were verified before. The graphs for all other batch sizes are lowered from the same traces, with the same operations.
 */
function verify(
  runtime: OnnxRuntime,
  pair: TracePair,
  loweringOptions: LoweringOptions,
  { compileCache: store, log = () => {}, description, comparedOutputs }: CompileOptions,
): Promise<void> {
  const [bytes, otherBytes] = pair.map(({ batchSize }) => lowerPair(pair, loweringOptions, batchSize));
  return verifyOnce(store && { store, log }, bytes!, runtime.label, async () => {
    await verifyOps(runtime, pair, loweringOptions);
    await verifyStep(runtime, [bytes!, otherBytes!], pair, description, comparedOutputs);
  });
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
