import { tf } from '../tf.js';
import { getSimdRunner, type SimdRunner } from './simd/simdKernels.js';
import { getByteAddress, getFloat32View, makeScratch, type WasmBackend } from './simd/wasmHeap.js';
import type { Workload } from './simd/workload.js';

/**
 * Name of the kernel for batch normalization over all axes except the last. Its inputs, attributes and outputs are `{ x, gamma, beta }, {
 * epsilon } -> [y, mean, variance]`.
 */
export const BATCH_NORM = 'MultitaskBatchNorm';
/**
 * Name of the kernel for the gradient of {@link BATCH_NORM}. Its inputs, attributes and outputs are `{ x, dy, gamma, mean, variance }, {
 * epsilon } -> [dx, dgamma, dbeta]`.
 */
export const BATCH_NORM_GRADIENT = 'MultitaskBatchNormGradient';

/**
 * Registers wasm kernels for batch normalization in training mode and for its gradient. Without SIMD, the kernels are plain loops over the
 * heap.
 */
export function registerBatchNorm(): void {
  tf.registerKernel({
    kernelName: BATCH_NORM,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x, gamma, beta } = inputs as never as Record<string, tf.TensorInfo>;
      const wasm = backend as never as WasmBackend;
      const channels = x!.shape.at(-1)!;
      const y = wasm.makeOutput(x!.shape, 'float32');
      const mean = wasm.makeOutput([channels], 'float32');
      const variance = wasm.makeOutput([channels], 'float32');
      const simd = getSimdRunner(wasm);
      if (simd) {
        runForwardWithSimd(
          wasm,
          simd,
          { x: x!, gamma: gamma!, beta: beta!, y, mean, variance },
          getEpsilon(attrs),
        );
        return [y, mean, variance];
      }
      const xValues = getFloat32View(wasm, x!);
      const count = xValues.length / channels;
      const means = computeColumnSums(xValues, channels).map((sum) => sum / count);
      const variances = new Float64Array(channels);
      for (let i = 0; i < xValues.length; i += channels) {
        for (let c = 0; c < channels; c++) variances[c]! += (xValues[i + c]! - means[c]!) ** 2;
      }
      for (let c = 0; c < channels; c++) variances[c]! /= count;
      const scale = computeInverseDeviations(variances, getEpsilon(attrs));
      const gammaValues = getFloat32View(wasm, gamma!);
      for (let c = 0; c < channels; c++) scale[c]! *= gammaValues[c]!;
      const betaValues = getFloat32View(wasm, beta!);
      const yValues = getFloat32View(wasm, y);
      for (let i = 0; i < yValues.length; i += channels) {
        for (let c = 0; c < channels; c++)
          yValues[i + c] = (xValues[i + c]! - means[c]!) * scale[c]! + betaValues[c]!;
      }
      getFloat32View(wasm, mean).set(means);
      getFloat32View(wasm, variance).set(variances);
      return [y, mean, variance];
    },
  });
  tf.registerKernel({
    kernelName: BATCH_NORM_GRADIENT,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x, dy, gamma, mean, variance } = inputs as never as Record<string, tf.TensorInfo>;
      const wasm = backend as never as WasmBackend;
      const channels = x!.shape.at(-1)!;
      const dx = wasm.makeOutput(x!.shape, 'float32');
      const dgamma = wasm.makeOutput([channels], 'float32');
      const dbeta = wasm.makeOutput([channels], 'float32');
      const simd = getSimdRunner(wasm);
      if (simd) {
        const tensors = {
          x: x!,
          dy: dy!,
          gamma: gamma!,
          mean: mean!,
          variance: variance!,
          dx,
          dgamma,
          dbeta,
        };
        runGradientWithSimd(wasm, simd, tensors, getEpsilon(attrs));
        return [dx, dgamma, dbeta];
      }
      const xValues = getFloat32View(wasm, x!);
      const dyValues = getFloat32View(wasm, dy!);
      const means = getFloat32View(wasm, mean!);
      const inverse = computeInverseDeviations(
        Float64Array.from(getFloat32View(wasm, variance!)),
        getEpsilon(attrs),
      );
      const sums = computeColumnSums(dyValues, channels);
      const products = new Float64Array(channels);
      for (let i = 0; i < xValues.length; i += channels) {
        for (let c = 0; c < channels; c++) {
          products[c]! += dyValues[i + c]! * (xValues[i + c]! - means[c]!);
        }
      }
      for (let c = 0; c < channels; c++) products[c]! *= inverse[c]!;
      // dx = gamma / deviation * (dy - mean(dy) - z * mean(dy * z)), where z is the normalized x, written as a * dy + b * x + k.
      const gammaValues = getFloat32View(wasm, gamma!);
      const count = xValues.length / channels;
      const a = Float64Array.from(inverse, (value, c) => value * gammaValues[c]!);
      const b = Float64Array.from(a, (value, c) => (-value * inverse[c]! * products[c]!) / count);
      const k = Float64Array.from(a, (value, c) => (-value * sums[c]!) / count - b[c]! * means[c]!);
      const dxValues = getFloat32View(wasm, dx);
      for (let i = 0; i < dxValues.length; i += channels) {
        for (let c = 0; c < channels; c++) {
          dxValues[i + c] = a[c]! * dyValues[i + c]! + b[c]! * xValues[i + c]! + k[c]!;
        }
      }
      getFloat32View(wasm, dgamma).set(products);
      getFloat32View(wasm, dbeta).set(sums);
      return [dx, dgamma, dbeta];
    },
  });
}

/** Number of floats in a chunk of rows, which the first-level cache contains while the sums of the chunk are computed. */
const CHUNK_FLOATS = 8192;
/** Minimum number of rows in a chunk. The sums of all chunks are added up in JavaScript. */
const MIN_CHUNK_ROWS = 16;
/** Minimum number of floats per thread. For fewer floats, waking up a thread takes more time than the thread saves. */
const THREAD_FLOATS = 8192;

/** Division of rows into chunks, whose sums are computed independently of each other. It does not depend on the number of threads. */
interface Chunks {
  readonly rowCount: number;
  readonly chunkRows: number;
  readonly chunkCount: number;
  /** Work of a kernel whose parts are ranges of chunks. */
  readonly chunkWork: Workload;
  /** Work of a kernel whose parts are ranges of rows. */
  readonly rowWork: Workload;
}

function divideRows({ shape }: tf.TensorInfo, channels: number): Chunks {
  const rowCount = tf.util.sizeFromShape([...shape]) / channels;
  const chunkRows = Math.max(MIN_CHUNK_ROWS, Math.floor(CHUNK_FLOATS / channels));
  const chunkCount = Math.ceil(rowCount / chunkRows);
  return {
    rowCount,
    chunkRows,
    chunkCount,
    chunkWork: { size: chunkCount, granularity: 1 },
    rowWork: { size: rowCount, granularity: Math.ceil(THREAD_FLOATS / channels) },
  };
}

type Tensors<Names extends string> = { readonly [name in Names]: tf.TensorInfo };

function runForwardWithSimd(
  wasm: WasmBackend,
  simd: SimdRunner,
  { x, gamma, beta, y, mean, variance }: Tensors<'x' | 'gamma' | 'beta' | 'y' | 'mean' | 'variance'>,
  epsilon: number,
): void {
  const channels = x.shape.at(-1)!;
  const { rowCount, chunkRows, chunkCount, chunkWork, rowWork } = divideRows(x, channels);
  const scratch = makeScratch(wasm, 2 * chunkCount * channels + channels);
  const [xAddress, yAddress, meanAddress, betaAddress] = [x, y, mean, beta].map((tensor) =>
    getByteAddress(wasm, tensor),
  );
  const [chunkMeans, chunkSquares, scales] = scratch.split([
    chunkCount * channels,
    chunkCount * channels,
    channels,
  ]);
  simd(
    'chunkMoments',
    [xAddress!, chunkMeans!.byteOffset, chunkSquares!.byteOffset, rowCount, channels, chunkRows],
    chunkWork,
  );
  const means = new Float64Array(channels);
  const variances = new Float64Array(channels);
  const countRows = (chunk: number) => Math.min(chunkRows, rowCount - chunk * chunkRows);
  for (let chunk = 0, i = 0; chunk < chunkCount; chunk++) {
    const count = countRows(chunk);
    for (let c = 0; c < channels; c++, i++) means[c]! += count * chunkMeans![i]!;
  }
  for (let c = 0; c < channels; c++) means[c]! /= rowCount;
  // The variance within the chunks and that of their means add up to the variance (T. Chan, G. Golub and R. LeVeque 1979).
  for (let chunk = 0, i = 0; chunk < chunkCount; chunk++) {
    const count = countRows(chunk);
    for (let c = 0; c < channels; c++, i++) {
      const difference = chunkMeans![i]! - means[c]!;
      variances[c]! += chunkSquares![i]! + count * difference * difference;
    }
  }
  for (let c = 0; c < channels; c++) variances[c]! /= rowCount;
  getFloat32View(wasm, mean).set(means);
  getFloat32View(wasm, variance).set(variances);
  const gammaValues = getFloat32View(wasm, gamma);
  computeInverseDeviations(variances, epsilon).forEach((inverse, c) => {
    scales![c] = inverse * gammaValues[c]!;
  });
  simd(
    'normalize',
    [xAddress!, yAddress!, meanAddress!, scales!.byteOffset, betaAddress!, channels],
    rowWork,
  );
  scratch.dispose();
}

function runGradientWithSimd(
  wasm: WasmBackend,
  simd: SimdRunner,
  {
    x,
    dy,
    gamma,
    mean,
    variance,
    dx,
    dgamma,
    dbeta,
  }: Tensors<'x' | 'dy' | 'gamma' | 'mean' | 'variance' | 'dx' | 'dgamma' | 'dbeta'>,
  epsilon: number,
): void {
  const channels = x.shape.at(-1)!;
  const { rowCount, chunkRows, chunkCount, chunkWork, rowWork } = divideRows(x, channels);
  const scratch = makeScratch(wasm, 2 * chunkCount * channels + 3 * channels);
  const [xAddress, dyAddress, dxAddress, meanAddress] = [x, dy, dx, mean].map((tensor) =>
    getByteAddress(wasm, tensor),
  );
  const sizes = [chunkCount * channels, chunkCount * channels, channels, channels, channels];
  const [chunkSums, chunkProducts, a, b, k] = scratch.split(sizes);
  simd(
    'chunkGradientSums',
    [
      ...[xAddress!, dyAddress!, meanAddress!, chunkSums!.byteOffset, chunkProducts!.byteOffset],
      ...[rowCount, channels, chunkRows],
    ],
    chunkWork,
  );
  const sums = computeColumnSums(chunkSums!, channels);
  const products = computeColumnSums(chunkProducts!, channels);
  const gammaValues = getFloat32View(wasm, gamma);
  const inverse = computeInverseDeviations(Float64Array.from(getFloat32View(wasm, variance)), epsilon);
  // The terms of dx are those of the loop without SIMD. Here the mean is subtracted from x, because float32 would round b * x too much.
  for (let c = 0; c < channels; c++) {
    products[c]! *= inverse[c]!;
    const factor = inverse[c]! * gammaValues[c]!;
    a![c] = factor;
    b![c] = (-factor * inverse[c]! * products[c]!) / rowCount;
    k![c] = (-factor * sums[c]!) / rowCount;
  }
  getFloat32View(wasm, dgamma).set(products);
  getFloat32View(wasm, dbeta).set(sums);
  const factors = [a!, b!, k!].map(({ byteOffset }) => byteOffset);
  simd('normalizeGradient', [xAddress!, dyAddress!, dxAddress!, meanAddress!, ...factors, channels], rowWork);
  scratch.dispose();
}

const getEpsilon = (attributes: unknown) => (attributes as { readonly epsilon: number }).epsilon;

function computeColumnSums(values: Float32Array, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  for (let i = 0; i < values.length; i += columns) {
    for (let c = 0; c < columns; c++) sums[c]! += values[i + c]!;
  }
  return sums;
}

function computeInverseDeviations(variances: Float64Array, epsilon: number): Float64Array {
  return variances.map((variance) => 1 / Math.sqrt(variance + epsilon));
}
