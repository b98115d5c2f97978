import { tf } from '../tf.js';
import { getFloat32View, type WasmBackend } from './wasmHeap.js';

/** `{ x, gamma, beta }, { epsilon } -> [y, mean, variance]`, over all axes but the last. */
export const BATCH_NORM = 'MultitaskBatchNorm';
/** `{ x, dy, gamma, mean, variance }, { epsilon } -> [dx, dgamma, dbeta]`. */
export const BATCH_NORM_GRADIENT = 'MultitaskBatchNormGradient';

/** Batch normalisation in training and its gradient, a few passes over the heap each, for wasm. */
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
      const from = getFloat32View(wasm, x!);
      const count = from.length / channels;
      const means = computeColumnSums(from, channels).map((sum) => sum / count);
      const variances = new Float64Array(channels);
      for (let i = 0; i < from.length; i += channels) {
        for (let c = 0; c < channels; c++) variances[c]! += (from[i + c]! - means[c]!) ** 2;
      }
      for (let c = 0; c < channels; c++) variances[c]! /= count;
      const scale = computeInverseDeviations(variances, getEpsilon(attrs));
      const gammas = getFloat32View(wasm, gamma!);
      for (let c = 0; c < channels; c++) scale[c]! *= gammas[c]!;
      const betas = getFloat32View(wasm, beta!);
      const to = getFloat32View(wasm, y);
      for (let i = 0; i < to.length; i += channels) {
        for (let c = 0; c < channels; c++) to[i + c] = (from[i + c]! - means[c]!) * scale[c]! + betas[c]!;
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
      const from = getFloat32View(wasm, x!);
      const gradient = getFloat32View(wasm, dy!);
      const means = getFloat32View(wasm, mean!);
      const inverse = computeInverseDeviations(
        Float64Array.from(getFloat32View(wasm, variance!)),
        getEpsilon(attrs),
      );
      const sums = computeColumnSums(gradient, channels);
      const products = new Float64Array(channels);
      for (let i = 0; i < from.length; i += channels) {
        for (let c = 0; c < channels; c++) {
          products[c]! += gradient[i + c]! * (from[i + c]! - means[c]!);
        }
      }
      for (let c = 0; c < channels; c++) products[c]! *= inverse[c]!;
      // dx = gamma/deviation * (dy - mean(dy) - normalised x * mean(dy * normalised x)), as a*dy + b*x + k.
      const gammas = getFloat32View(wasm, gamma!);
      const count = from.length / channels;
      const a = Float64Array.from(inverse, (value, c) => value * gammas[c]!);
      const b = Float64Array.from(a, (value, c) => (-value * inverse[c]! * products[c]!) / count);
      const k = Float64Array.from(a, (value, c) => (-value * sums[c]!) / count - b[c]! * means[c]!);
      const to = getFloat32View(wasm, dx);
      for (let i = 0; i < to.length; i += channels) {
        for (let c = 0; c < channels; c++) {
          to[i + c] = a[c]! * gradient[i + c]! + b[c]! * from[i + c]! + k[c]!;
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
