import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { onnxBytes } from '../../src/engines/onnx/format.js';
import { type GraphOptions, graphOf } from '../../src/engines/onnx/graph.js';
import { record } from '../../src/tensor/recorder.js';

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
  options: GraphOptions = {},
): Promise<number> {
  const numbers = (batch: number) =>
    Float32Array.from({ length: batch * shape.reduce((a, b) => a * b, 1) }, (_, i) => number(i));
  const pass = (batch: number) => {
    const image = tf.tensor(numbers(batch), [batch, ...shape]);
    const recording = record(() => tf.tidy(() => operation(image)));
    return { image, recording };
  };
  const seen = ({ dataId, shape: size, dtype }: tf.Tensor) => ({ id: dataId, shape: size, dtype });
  const [two, three] = [pass(2), pass(3)];
  const graph = graphOf(
    two.recording,
    three.recording,
    [{ name: 'x', tensor: seen(two.image) }],
    [{ name: 'y', tensor: seen(two.recording.result) }],
    options,
  );
  const bytes = onnxBytes({
    ...graph,
    inputs: [{ name: 'x', shape: ['batch', ...shape], description: '' }],
    outputs: [{ name: 'y', shape: two.recording.result.shape.map((_, axis) => `y${axis}`), description: '' }],
    description: '',
    metadata: {},
  });
  const want = tf.tidy(() => operation(tf.tensor(numbers(4), [4, ...shape])));
  const { y } = await runOnnx(bytes, 'x', numbers(4), [4, ...shape]);
  if (want.shape.join() !== y!.dims.join()) return Number.POSITIVE_INFINITY;
  const wanted = want.dataSync<'float32'>();
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - y!.data[i]!)), 0) / largest;
}
