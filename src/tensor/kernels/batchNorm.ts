import { tf } from '../tf.js';
import { getFloat32View, type WasmBackend } from './wasmHeap.js';

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

/** Registers wasm kernels for batch normalization in training mode and for its gradient. The kernels are plain loops over the heap. */
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
