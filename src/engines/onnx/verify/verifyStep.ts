import { createError } from '../../../core/errors/errors.js';
import { getTracedValues } from '../../../tensor/trace/tracer.js';
import { type OnnxRuntime, toOnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { VERIFICATION_OPTIONS } from '../session/sessionOptions.js';
import type { TracedPass } from '../trace/tracePair.js';

/**
 * Outputs that are compared with TensorFlow.js to verify a whole graph. Each element is a set of outputs that are measured on the same scale,
 * for example all gradients, keyed by name. Each output is a concatenation of vectors, for example of one gradient per weight, and the
 * value of the entry lists the lengths of the vectors.
 */
export type ComparedOutputs = readonly { readonly [output: string]: readonly number[] }[];

/** Returns the names of the outputs that are compared. */
export const getComparedNames = (comparedOutputs: ComparedOutputs): readonly string[] =>
  comparedOutputs.flatMap((outputs) => Object.keys(outputs));

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
  const session = await createSession(runtime, bytes, description, VERIFICATION_OPTIONS);
  const feeds = inputs
    .filter(({ name }) => session.inputNames.includes(name))
    .map(({ name, tensor: { id, shape } }) => [
      name,
      toOnnxTensor(runtime, { shape, data: getTracedValues(trace, id) }),
    ]);
  const fetches = getComparedNames(comparedOutputs);
  const results = await runSession(runtime, session, description, Object.fromEntries(feeds), fetches).finally(
    () => session.release(),
  );
  const outputIds = new Map(outputs.map(({ name, tensor }) => [name, tensor.id]));
  for (const lengths of comparedOutputs) {
    const expected = new Map(
      Object.keys(lengths).map((name) => [name, getTracedValues(trace, outputIds.get(name)!)]),
    );
    const norm = Math.hypot(...[...expected.values()].map(computeNorm));
    for (const [name, values] of expected) {
      const distance = computeRelativeDistance(values, results[name]!.data, lengths[name]!, norm);
      // A distance of NaN also counts as a mismatch.
      if (!(distance <= STEP_TOLERANCE)) throw createStepMismatchError(description, name, distance);
    }
  }
}

/**
 * Lower bound for the norm by which the error of a vector is divided, as a proportion of the norm of all outputs on its scale. A vector with a
 * smaller norm consists only of rounding error, such as the gradient of a bias before batch normalization, so its relative error would be
 * meaningless.
 */
const MIN_RELATIVE_NORM = 0.01;

/**
 * Compares two concatenations of vectors and returns the largest relative L2 distance between corresponding vectors. Returns NaN if a
 * difference is NaN.
 *
 * @param norm - Norm of all outputs on the same scale.
 */
function computeRelativeDistance(
  expected: Float32Array,
  received: Float32Array,
  lengths: readonly number[],
  norm: number,
): number {
  let start = 0;
  return lengths.reduce((max, length) => {
    const [vector, other] = [
      expected.subarray(start, start + length),
      received.subarray(start, start + length),
    ];
    start += length;
    const distance =
      computeDistance(vector, other) / Math.max(computeNorm(vector), MIN_RELATIVE_NORM * norm, 1e-30);
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
