import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { type LoweringOptions, lowerTrace } from '../../src/engines/onnx/lower/traceLowering.js';
import { encodeOnnxModel } from '../../src/formats/onnxModel.js';
import { trace } from '../../src/tensor/trace/tracer.js';

/** Runs `bytes` in ONNX Runtime on tensors by name. */
export async function runGraphs(bytes: Uint8Array, inputs: readonly (readonly [string, tf.Tensor])[]) {
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

/** The same for one input. */
export const runOnnx = (bytes: Uint8Array, name: string, data: Float32Array, shape: readonly number[]) =>
  runGraphs(bytes, [[name, tf.tensor(data, [...shape])]]);

/**
 * The largest difference, relative to the largest number, between `operation` on the cpu backend and its graph in ONNX
 * Runtime; the graph is made from 2 and 3 examples and run on 4, all of `shape`, its numbers given by place.
 */
export async function difference(
  operation: (x: tf.Tensor) => tf.Tensor,
  shape: readonly number[],
  number: (i: number) => number,
  options: LoweringOptions = {},
): Promise<number> {
  const numbers = (batch: number) =>
    Float32Array.from({ length: batch * shape.reduce((a, b) => a * b, 1) }, (_, i) => number(i));
  const pass = (batch: number) => {
    const image = tf.tensor(numbers(batch), [batch, ...shape]);
    const recording = trace(() => tf.tidy(() => operation(image)));
    return { image, recording };
  };
  const seen = ({ dataId, shape: size, dtype }: tf.Tensor) => ({ id: dataId, shape: size, dtype });
  const [two, three] = [pass(2), pass(3)];
  const graph = lowerTrace(
    two.recording,
    three.recording,
    [{ name: 'x', tensor: seen(two.image) }],
    [{ name: 'y', tensor: seen(two.recording.result) }],
    options,
  );
  const bytes = encodeOnnxModel({
    ...graph,
    inputs: [{ name: 'x', shape: ['batch', ...shape], description: '' }],
    outputs: [{ name: 'y', shape: two.recording.result.shape.map((_, axis) => `y${axis}`), description: '' }],
    description: '',
    metadata: {},
  });
  const want = tf.tidy(() => operation(tf.tensor(numbers(4), [4, ...shape])));
  const { y } = await runOnnx(bytes, 'x', numbers(4), [4, ...shape]);
  return apart(want, y!);
}

/**
 * The same for an operation on several tensors with several results, without a free batch: the graph is recorded on the
 * numbers of `inputs` in the opposite order, so that nothing of them can be frozen in it, and run on `inputs`.
 */
export async function disagreement(
  operation: (...inputs: any[]) => tf.Tensor | tf.Tensor[],
  ...inputs: readonly tf.Tensor[]
): Promise<number> {
  const others = inputs.map((x) => tf.tensor(x.dataSync().reverse(), x.shape, x.dtype));
  const recording = trace(() => tf.tidy(() => [operation(...others)].flat() as tf.Tensor[]));
  const seen = (list: readonly tf.Tensor[], name: string) =>
    list.map(({ dataId, shape, dtype }, i) => ({
      name: `${name}${i}`,
      tensor: { id: dataId, shape, dtype },
    }));
  const [given, made] = [seen(others, 'x'), seen(recording.result, 'y')];
  const graph = lowerTrace(recording, recording, given, made);
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  const ports = (list: typeof given) =>
    list.map(({ name, tensor }) => ({ name, shape: tensor.shape, description: '' }));
  const bytes = encodeOnnxModel({
    ...graph,
    inputs: ports(given.filter(({ name }) => read.has(name))),
    outputs: ports(made),
    description: '',
    metadata: {},
  });
  const feeds = inputs.map((x, i) => [`x${i}`, x] as const).filter(([name]) => read.has(name));
  const results = await runGraphs(bytes, feeds);
  const want = tf.tidy(() => [operation(...inputs)].flat() as tf.Tensor[]);
  return Math.max(...want.map((tensor, i) => apart(tensor, results[`y${i}`]!)));
}

/**
 * The largest difference, relative to the largest number; infinite where shapes or what is not finite differ. Of results
 * below 0.1 it is relative to that: what cancelled keeps the rounding of the numbers, about 1, that it was made of.
 */
function apart(want: tf.Tensor, got: { readonly dims: readonly number[]; readonly data: Float32Array }) {
  if (want.shape.join() !== got.dims.join()) return Number.POSITIVE_INFINITY;
  const wanted = Array.from(want.dataSync<'float32'>());
  if (wanted.some((value, i) => !Number.isFinite(value) && !Object.is(value, got.data[i]))) {
    return Number.POSITIVE_INFINITY;
  }
  const finite = (value: number) => (Number.isFinite(value) ? value : 0);
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(finite(value))), 0.1);
  const off = wanted.map((value, i) => (Number.isFinite(value) ? Math.abs(value - got.data[i]!) : 0));
  // Math.max hands NaN on.
  return (
    Math.max(0, ...off.map((value) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value))) / largest
  );
}
