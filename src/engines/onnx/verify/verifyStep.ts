import { createError } from '../../../core/errors/errors.js';
import { getTracedValues } from '../../../tensor/trace/tracer.js';
import { type OnnxRuntime, toOnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { VERIFICATION_OPTIONS } from '../session/sessionOptions.js';
import type { TracedPass } from '../trace/tracePair.js';

/**
 * Outputs that are compared with TensorFlow.js to verify a whole graph, keyed by name. Each output is a concatenation of vectors, for
 * example of one gradient per weight, and the value of the entry lists the lengths of the vectors.
 */
export interface ComparedOutputs {
  readonly [output: string]: readonly number[];
}

/**
 * Allowed L2 distance between two vectors, relative to their norm. Near-ties in max pooling legitimately move a few percent of a gradient.
 * A graph whose nodes are connected incorrectly moves far more.
 */
const STEP_TOLERANCE = 0.1;

/**
 * Verifies that the whole graph computes the same results as TensorFlow.js. Unlike `verifyOps`, this function also detects operations that
 * are correct individually but connected incorrectly.
 *
 * @param bytes - The graph for the batch size of the trace.
 * @param pass - Trace that contains the values of the inputs and of the compared outputs.
 * @param description - Name of the graph in error messages, for example `the training step`.
 * @throws `engine` error that names the first output that differs.
 */
export async function verifyStep(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  pass: TracedPass,
  description: string,
  comparedOutputs: ComparedOutputs,
): Promise<void> {
  const { trace, inputs, outputs } = pass;
  const compared = outputs.filter(({ name }) => name in comparedOutputs);
  const session = await createSession(runtime, bytes, description, VERIFICATION_OPTIONS);
  const feeds = inputs
    .filter(({ name }) => session.inputNames.includes(name))
    .map(({ name, tensor: { id, shape } }) => [
      name,
      toOnnxTensor(runtime, { shape, data: getTracedValues(trace, id) }),
    ]);
  const fetches = compared.map(({ name }) => name);
  const results = await runSession(runtime, session, description, Object.fromEntries(feeds), fetches).finally(
    () => session.release(),
  );
  for (const { name, tensor } of compared) {
    const distance = computeRelativeDistance(
      getTracedValues(trace, tensor.id),
      results[name]!.data,
      comparedOutputs[name]!,
    );
    // A distance of NaN also counts as a mismatch.
    if (!(distance <= STEP_TOLERANCE)) throw createStepMismatchError(description, name, distance);
  }
}

/**
 * Lower bound for the norm by which the error of a vector is divided, as a proportion of the norm of the whole output. A vector with a
 * smaller norm consists only of rounding error, such as the gradient of a bias before batch normalization, so its relative error would be
 * meaningless.
 */
const MIN_RELATIVE_NORM = 0.01;

/**
 * Compares two concatenations of vectors and returns the largest relative L2 distance between corresponding vectors. Returns NaN if a
 * difference is NaN.
 */
function computeRelativeDistance(
  expected: Float32Array,
  received: Float32Array,
  lengths: readonly number[],
): number {
  const outputNorm = computeNorm(expected);
  let start = 0;
  return lengths.reduce((max, length) => {
    const [vector, other] = [
      expected.subarray(start, start + length),
      received.subarray(start, start + length),
    ];
    start += length;
    const distance =
      computeDistance(vector, other) / Math.max(computeNorm(vector), MIN_RELATIVE_NORM * outputNorm, 1e-30);
    return Number.isNaN(distance) ? distance : Math.max(max, distance);
  }, 0);
}

function computeNorm(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

function computeDistance(vector: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i]! - other[i]!) ** 2;
  return Math.sqrt(sum);
}

function createStepMismatchError(description: string, output: string, distance: number) {
  return createError({
    kind: 'engine',
    path: `engine onnx: ${description}`,
    expected: `outputs within ${STEP_TOLERANCE} of TensorFlow.js`,
    received: `a relative distance of ${distance.toPrecision(2)} in the output "${output}", although each individual operation is correct`,
    advice: 'Report this network as a bug, and use engine: "wasm" until it is fixed.',
  });
}
