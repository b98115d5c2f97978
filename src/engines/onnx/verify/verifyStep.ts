import { createError } from '../../../core/errors/errors.js';
import { getTracedValues } from '../../../tensor/trace/tracer.js';
import { type OnnxRuntime, toOnnxTensor } from '../session/onnxRuntime.js';
import { createSession, runSession } from '../session/session.js';
import { OPTIMIZED_OPTIONS } from '../session/sessionOptions.js';
import type { TracePair } from '../trace/tracePair.js';

/**
 * Names of the outputs that are compared to verify a whole pass. They must not contain NaN. Each output consists of concatenated vectors,
 * whose lengths are the values of this record.
 */
export interface ComparedOutputs {
  readonly [output: string]: readonly number[];
}

/**
 * Allowed L2 distance of a vector relative to its norm. Near-ties in max pooling legitimately move a few percent of a gradient; a
 * wiring bug moves far more.
 */
const STEP_TOLERANCE = 0.1;

/**
 * Verifies that the whole graph gives the same results as the traced backend. This also detects operations that are correct individually
 * but connected incorrectly.
 *
 * @param description - Name of the graph in error messages: `the training step`.
 * @throws `engine` error that names the first output that differs.
 */
export async function verifyStep(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  pair: TracePair,
  description: string,
  comparedOutputs: ComparedOutputs,
): Promise<void> {
  const session = await createSession(runtime, bytes, description, OPTIMIZED_OPTIONS);
  try {
    for (const { trace, inputs, outputs } of pair) {
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
    }
  } finally {
    await session.release();
  }
}

/**
 * Smallest norm of a vector relative to the norm of the whole output. A vector with a smaller norm consists only of rounding error, such as
 * the gradient of a bias before batch normalization, so its error is measured relative to this norm instead.
 */
const MIN_RELATIVE_NORM = 0.01;

/** Returns the largest relative L2 distance between two lists of concatenated vectors; NaN if a difference is NaN. */
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
    received: `a relative distance of ${distance.toPrecision(2)} in the output "${output}", although each operation is correct`,
    advice: 'Report the network to the maintainers, and use engine: "wasm" until it is fixed.',
  });
}
