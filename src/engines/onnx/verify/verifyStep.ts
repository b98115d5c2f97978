import { createError } from '../../../core/errors/errors.js';
import { getTracedValues } from '../../../tensor/trace/tracer.js';
import { type OnnxRuntime, toOnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { OPTIMIZED_OPTIONS } from '../session/sessionOptions.js';
import type { TracedPass, TracePair } from '../trace/tracePair.js';

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
 * Verifies that the whole graph computes the same results as TensorFlow.js in both traces. Unlike `verifyOps`, this function also detects operations that
 * are correct individually but connected incorrectly.
 *
 * @param graphs - The bytes of the graph for the batch size of each trace.
 * @param description - Name of the graph in error messages, for example `the training step`.
 * @throws `engine` error that names the first output that differs.
 */
export async function verifyStep(
  runtime: OnnxRuntime,
  graphs: readonly [Uint8Array, Uint8Array],
  pair: TracePair,
  description: string,
  comparedOutputs: ComparedOutputs,
): Promise<void> {
  for (const [i, pass] of pair.entries()) {
    await verifyPass(runtime, graphs[i]!, pass, description, comparedOutputs);
  }
}

async function verifyPass(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  { trace, inputs, outputs }: TracedPass,
  description: string,
  comparedOutputs: ComparedOutputs,
): Promise<void> {
  const session = await createSession(runtime, bytes, description, OPTIMIZED_OPTIONS);
  try {
    const feeds = inputs
      .filter(({ name }) => session.inputNames.includes(name))
      .map(({ name, tensor: { id, shape } }) => [
        name,
        toOnnxTensor(runtime, { shape, data: getTracedValues(trace, id) }),
      ]);
    const results = await runSession(runtime, session, description, Object.fromEntries(feeds));
    for (const { name, tensor } of outputs.filter((output) => output.name in comparedOutputs)) {
      const distance = computeRelativeDistance(
        getTracedValues(trace, tensor.id),
        results[name]!.data,
        comparedOutputs[name]!,
      );
      // A distance of NaN also counts as a mismatch.
      if (!(distance <= STEP_TOLERANCE)) throw createStepMismatchError(description, name, distance);
    }
  } finally {
    await session.release();
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
  const computeNorm = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
  const outputNorm = computeNorm(expected);
  let start = 0;
  return lengths.reduce((max, length) => {
    const [vector, other] = [
      expected.subarray(start, start + length),
      received.subarray(start, start + length),
    ];
    start += length;
    const distance =
      computeNorm(vector.map((x, i) => x - other[i]!)) /
      Math.max(computeNorm(vector), MIN_RELATIVE_NORM * outputNorm, 1e-30);
    return Number.isNaN(distance) ? distance : Math.max(max, distance);
  }, 0);
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
