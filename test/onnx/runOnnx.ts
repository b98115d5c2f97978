import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { type LoweringOptions, lowerTrace } from '../../src/engines/onnx/lower/traceLowering.js';
import { findChannelBlock } from '../../src/engines/onnx/session/findChannelBlock.js';
import { encodeOnnxModel } from '../../src/formats/onnxModel.js';
import { toTracedTensor, trace } from '../../src/tensor/trace/tracer.js';
import { expandBlocks } from './expandBlocks.js';

/** Runs the graph `bytes` in ONNX Runtime on named tensors. Returns the outputs of the graph, keyed by name. */
export async function runGraph(bytes: Uint8Array, inputs: readonly (readonly [string, tf.Tensor])[]) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const feeds = inputs.map(([name, tensor]) => [
    name,
    new ort.Tensor('float32', Float32Array.from(tensor.dataSync()), tensor.shape),
  ]);
  try {
    const outputs = await session.run(Object.fromEntries(feeds));
    return Object.fromEntries(
      Object.entries(outputs).map(([key, { dims, data }]) => [
        key,
        { dims: [...dims], data: data as Float32Array },
      ]),
    );
  } finally {
    await session.release();
  }
}

/** Runs the graph `bytes` in ONNX Runtime on one input. Returns the outputs of the graph, keyed by name. */
export const runOnnx = (bytes: Uint8Array, name: string, data: Float32Array, shape: readonly number[]) =>
  runGraph(bytes, [[name, tf.tensor(data, [...shape])]]);

/** Channels per block on this machine, or undefined if ONNX Runtime does not support blocks. */
export const machineBlock = await findChannelBlock(ort as never);

/** Options for {@link measureBatchDifference}. */
export interface BatchDifferenceOptions extends Pick<LoweringOptions, 'channelBlock'> {
  /** Batch size that the graph is written for. Default: the batch size of the graph is variable, and the graph runs on 4 examples. */
  readonly batchSize?: number | undefined;
}

/**
 * Returns the largest relative difference between `operation` on the active backend and the compiled graph in ONNX Runtime. The graph is
 * compiled from traces of 2 and 3 examples, and runs on another number of examples.
 *
 * @param shape - Shape of an example.
 * @param valueAt - Returns the value of an element by its index.
 */
export async function measureBatchDifference(
  operation: (x: tf.Tensor) => tf.Tensor,
  shape: readonly number[],
  valueAt: (i: number) => number,
  { channelBlock, batchSize }: BatchDifferenceOptions = {},
): Promise<number> {
  const createValues = (batch: number) =>
    Float32Array.from({ length: batch * shape.reduce((a, b) => a * b, 1) }, (_, i) => valueAt(i));
  const tracePass = (batch: number) => {
    const image = tf.tensor(createValues(batch), [batch, ...shape]);
    return { image, traced: trace(() => tf.tidy(() => operation(image))) };
  };
  const [two, three] = [tracePass(2), tracePass(3)];
  const graph = lowerTrace(
    two.traced,
    three.traced,
    [{ name: 'x', tensor: toTracedTensor(two.image) }],
    [{ name: 'y', tensor: toTracedTensor(two.traced.result) }],
    { channelBlock, batch: batchSize === undefined ? undefined : { size: batchSize, tracedSizes: [2, 3] } },
  );
  const isOtherBlock = channelBlock !== undefined && channelBlock !== machineBlock;
  const bytes = encodeOnnxModel({
    ...(isOtherBlock ? expandBlocks(graph, channelBlock) : graph),
    inputs: [{ name: 'x', shape: [batchSize ?? 'batch', ...shape], description: '' }],
    outputs: [{ name: 'y', shape: two.traced.result.shape.map((_, axis) => `y${axis}`), description: '' }],
    description: '',
    metadata: {},
  });
  const size = batchSize ?? 4;
  const expected = tf.tidy(() => operation(tf.tensor(createValues(size), [size, ...shape])));
  const { y } = await runOnnx(bytes, 'x', createValues(size), [size, ...shape]);
  return computeRelativeDifference(expected, y!);
}

/**
 * Returns the largest relative difference between `operation` on the active backend and the compiled graph in ONNX Runtime, for any number of
 * inputs and outputs of fixed sizes. The graph is compiled from a trace on the reversed values of `inputs`, so a value that the compiler
 * wrongly treats as a constant results in a difference.
 */
export async function measureDifference(
  operation: (...inputs: any[]) => tf.Tensor | tf.Tensor[],
  ...inputs: readonly tf.Tensor[]
): Promise<number> {
  const reversedInputs = inputs.map((x) => tf.tensor(x.dataSync().reverse(), x.shape, x.dtype));
  const traced = trace(() => tf.tidy(() => [operation(...reversedInputs)].flat() as tf.Tensor[]));
  const toNamedTensors = (tensors: readonly tf.Tensor[], prefix: string) =>
    tensors.map((tensor, i) => ({ name: `${prefix}${i}`, tensor: toTracedTensor(tensor) }));
  const [graphInputs, graphOutputs] = [
    toNamedTensors(reversedInputs, 'x'),
    toNamedTensors(traced.result, 'y'),
  ];
  const graph = lowerTrace(traced, traced, graphInputs, graphOutputs);
  const readNames = new Set(graph.nodes.flatMap((node) => node.inputs));
  const toValueInfos = (tensors: typeof graphInputs) =>
    tensors.map(({ name, tensor }) => ({ name, shape: tensor.shape, description: '' }));
  const bytes = encodeOnnxModel({
    ...graph,
    inputs: toValueInfos(graphInputs.filter(({ name }) => readNames.has(name))),
    outputs: toValueInfos(graphOutputs),
    description: '',
    metadata: {},
  });
  const feeds = inputs.map((x, i) => [`x${i}`, x] as const).filter(([name]) => readNames.has(name));
  const results = await runGraph(bytes, feeds);
  const expected = tf.tidy(() => [operation(...inputs)].flat() as tf.Tensor[]);
  return Math.max(...expected.map((tensor, i) => computeRelativeDifference(tensor, results[`y${i}`]!)));
}

/**
 * Returns the largest absolute difference, divided by the largest expected value or by 0.1, whichever is greater: results that
 * almost cancel to zero have the rounding error of their terms, which are about 1. Returns infinity if the shapes differ, or if a
 * value is finite in only one of the two results.
 */
function computeRelativeDifference(
  expected: tf.Tensor,
  received: { readonly dims: readonly number[]; readonly data: Float32Array },
) {
  if (expected.shape.join() !== received.dims.join()) return Number.POSITIVE_INFINITY;
  const values = Array.from(expected.dataSync<'float32'>());
  if (values.some((value, i) => !Number.isFinite(value) && !Object.is(value, received.data[i]))) {
    return Number.POSITIVE_INFINITY;
  }
  const toFinite = (value: number) => (Number.isFinite(value) ? value : 0);
  const scale = values.reduce((max, value) => Math.max(max, Math.abs(toFinite(value))), 0.1);
  const differences = values.map((value, i) =>
    Number.isFinite(value) ? Math.abs(value - received.data[i]!) : 0,
  );
  // For NaN, Math.max would return NaN.
  return (
    Math.max(0, ...differences.map((value) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value))) /
    scale
  );
}
