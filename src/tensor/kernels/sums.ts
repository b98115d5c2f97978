import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { getSimdRunner, type SimdRunner } from './simd/simdKernels.js';
import { getByteAddress, getFloat32View, makeScratch, type WasmBackend } from './simd/wasmHeap.js';

interface SumAttributes {
  readonly axis: number | number[] | null;
  readonly keepDims: boolean;
}

/** Number of floats in a chunk of rows, which the first-level cache contains. */
const CHUNK_FLOATS = 8192;

/**
 * Replaces two cases of the wasm kernel for sums:
 *
 * - The sum over all elements is computed in double precision. The stock kernel accumulates in float32, which caused an error in the fourth
 *   digit of a sum of 262,144 squares (the L2 penalty of a dense layer after ResNet50).
 * - The sum over the first axes is computed with SIMD. The stock kernel transposes the tensor first.
 */
export function improveSums(): void {
  overrideKernel<SumAttributes>('wasm', 'Sum', ({ x }, { axis, keepDims }, { backend }) => {
    const { shape, dtype } = x!;
    const axes = tf.util.parseAxisParam(axis as number[], [...shape]).sort((a, b) => a - b);
    if (dtype !== 'float32' || shape.length === 0) return undefined;
    const wasm = backend as never as WasmBackend;
    if (axes.length < shape.length) {
      const simd = getSimdRunner(wasm);
      if (!simd || axes.length === 0 || axes.some((sumAxis, i) => sumAxis !== i)) return undefined;
      return sumRows(wasm, simd, x!, axes.length, keepDims);
    }
    const out = wasm.makeOutput(keepDims ? shape.map(() => 1) : [], 'float32');
    let sum = 0;
    for (const value of getFloat32View(wasm, x!)) sum += value;
    getFloat32View(wasm, out)[0] = sum;
    return out;
  });
}

/** Sums a tensor over its first `axisCount` axes: chunks of rows in float32 with SIMD, and their sums in double precision. */
function sumRows(
  wasm: WasmBackend,
  simd: SimdRunner,
  x: tf.TensorInfo,
  axisCount: number,
  keepDims: boolean,
): tf.TensorInfo | undefined {
  const rest = x.shape.slice(axisCount);
  const rows = tf.util.sizeFromShape(x.shape.slice(0, axisCount));
  const columns = tf.util.sizeFromShape(rest);
  if (rows * columns === 0) return undefined;
  const out = wasm.makeOutput(
    keepDims ? [...x.shape.slice(0, axisCount).map(() => 1), ...rest] : rest,
    'float32',
  );
  const chunkRows = Math.max(16, Math.floor(CHUNK_FLOATS / columns));
  const chunkCount = Math.ceil(rows / chunkRows);
  const scratch = makeScratch(wasm, chunkCount * columns);
  simd('chunkGradientSums', [0, getByteAddress(wasm, x), 0, scratch.address, 0, rows, columns, chunkRows], {
    size: chunkCount,
    granularity: 1,
  });
  const [chunkSums] = scratch.split([chunkCount * columns]);
  const sums = new Float64Array(columns);
  for (let i = 0; i < chunkSums!.length; i += columns) {
    for (let c = 0; c < columns; c++) sums[c]! += chunkSums![i + c]!;
  }
  getFloat32View(wasm, out).set(sums);
  scratch.dispose();
  return out;
}
