import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { getSimdRunner } from './simd/simdKernels.js';
import { getByteAddress, getFloat32View, type WasmBackend } from './simd/wasmHeap.js';

interface PoolAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Registers wasm kernels for max pooling, average pooling and the gradient of max pooling. The forward kernels of TensorFlow.js replace NaN
 * with a number, and TensorFlow.js has no gradient kernel for wasm. The gradient of each window goes to its first maximum, as in
 * TensorFlow. Images are channels-last.
 */
export function registerPooling(): void {
  registerForward('MaxPool', 'maxPool', computeMaximum);
  registerForward('AvgPool', 'averagePool', computeMean);
  if (tf.getKernel('MaxPoolGrad', 'wasm')) tf.unregisterKernel('MaxPoolGrad', 'wasm');
  tf.registerKernel({
    kernelName: 'MaxPoolGrad',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { dy, input } = inputs as never as Record<string, tf.TensorInfo>;
      const wasm = backend as never as WasmBackend;
      const geometry = computePoolGeometry(input!, attrs as never);
      const out = wasm.makeOutput(input!.shape, 'float32');
      const dx = getFloat32View(wasm, out).fill(0);
      const simd = getSimdRunner(wasm);
      if (simd) {
        const addresses = [input!, dy!, out].map((tensor) => getByteAddress(wasm, tensor));
        simd('maxPoolGradient', [...addresses, ...toArguments(geometry)], {
          size: geometry.batchSize,
          granularity: 1,
        });
      } else {
        scatterToMaximum(getFloat32View(wasm, input!), getFloat32View(wasm, dy!), dx, geometry);
      }
      return out;
    },
  });
}

/** Registers a pooling kernel that applies `reduce` to each window. For types other than float32, the stock kernel remains in use. */
function registerForward(
  kernelName: 'MaxPool' | 'AvgPool',
  simdKernel: 'maxPool' | 'averagePool',
  reduce: (values: readonly number[]) => number,
): void {
  overrideKernel<PoolAttributes>('wasm', kernelName, ({ x }, attributes, { backend }) => {
    const geometry = computePoolGeometry(x!, attributes);
    const { top, left } = geometry.padInfo;
    const hasEmptyWindows = top >= geometry.filterHeight || left >= geometry.filterWidth;
    if (x!.dtype !== 'float32' || hasEmptyWindows) return undefined;
    const wasm = backend as never as WasmBackend;
    const { batchSize, outHeight, outWidth, inChannels } = geometry;
    const out = wasm.makeOutput([batchSize, outHeight, outWidth, inChannels], 'float32');
    const simd = getSimdRunner(wasm);
    if (simd) {
      const addresses = [x!, out].map((tensor) => getByteAddress(wasm, tensor));
      const workload = { size: batchSize * outHeight, granularity: 1 };
      simd(simdKernel, [...addresses, ...toArguments(geometry)], workload);
    } else {
      reduceWindows(getFloat32View(wasm, x!), getFloat32View(wasm, out), geometry, reduce);
    }
    return out;
  });
}

const computeMaximum = (values: readonly number[]) => Math.max(...values);
const computeMean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function computePoolGeometry(input: tf.TensorInfo, attributes: PoolAttributes): PoolGeometry {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const shape = input.shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(
    shape,
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  ) as never as PoolGeometry;
}

/** Returns the arguments that follow the addresses in a call to a pooling function in assembly/training.ts. */
const toArguments = (g: PoolGeometry) => [
  ...[g.inHeight, g.inWidth, g.inChannels, g.outHeight, g.outWidth],
  ...[g.filterHeight, g.filterWidth, g.strideHeight, g.strideWidth, g.padInfo.top, g.padInfo.left],
];

interface PoolGeometry {
  readonly batchSize: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly padInfo: { readonly top: number; readonly left: number };
}

/** Applies `reduce` to the pixels of each window that are inside the image, and writes the results to `y`. */
function reduceWindows(
  x: Float32Array,
  y: Float32Array,
  g: PoolGeometry,
  reduce: (values: readonly number[]) => number,
): void {
  const row = g.inWidth * g.inChannels;
  let output = 0;
  for (let b = 0; b < g.batchSize; b++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      const y0 = oy * g.strideHeight - g.padInfo.top;
      for (let ox = 0; ox < g.outWidth; ox++) {
        const x0 = ox * g.strideWidth - g.padInfo.left;
        for (let c = 0; c < g.inChannels; c++) {
          const values: number[] = [];
          for (let iy = Math.max(y0, 0); iy < Math.min(y0 + g.filterHeight, g.inHeight); iy++) {
            for (let ix = Math.max(x0, 0); ix < Math.min(x0 + g.filterWidth, g.inWidth); ix++)
              values.push(x[(b * g.inHeight + iy) * row + ix * g.inChannels + c]!);
          }
          y[output++] = reduce(values);
        }
      }
    }
  }
}

/** Adds the gradient of each window to the element of `dx` at the window's first maximum. `dx` must contain zeros. */
function scatterToMaximum(x: Float32Array, dy: Float32Array, dx: Float32Array, g: PoolGeometry): void {
  const channels = g.inChannels;
  const row = g.inWidth * channels;
  for (let b = 0; b < g.batchSize; b++) {
    const image = b * g.inHeight * row;
    for (let oy = 0; oy < g.outHeight; oy++) {
      const y0 = oy * g.strideHeight - g.padInfo.top;
      const top = Math.max(y0, 0);
      const bottom = Math.min(y0 + g.filterHeight, g.inHeight);
      for (let ox = 0; ox < g.outWidth; ox++) {
        const x0 = ox * g.strideWidth - g.padInfo.left;
        const left = Math.max(x0, 0);
        const right = Math.min(x0 + g.filterWidth, g.inWidth);
        const output = ((b * g.outHeight + oy) * g.outWidth + ox) * channels;
        for (let c = 0; c < channels; c++) {
          let best = image + top * row + left * channels + c;
          let max = x[best]!;
          for (let iy = top; iy < bottom; iy++) {
            let index = image + iy * row + left * channels + c;
            for (let ix = left; ix < right; ix++, index += channels) {
              const value = x[index]!;
              if (value > max) {
                max = value;
                best = index;
              }
            }
          }
          dx[best]! += dy[output + c]!;
        }
      }
    }
  }
}
