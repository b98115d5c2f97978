import { tf } from '../tf.js';
import { getSimdRunner } from './simdKernels.js';
import { getByteAddress, getFloat32View, type WasmBackend } from './wasmHeap.js';

interface PoolAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Registers the wasm kernel for the gradient of max pooling of channels-last images. The gradient of each window is added to the first
 * maximum in the window, as in TensorFlow.
 */
export function registerMaxPoolGradient(): void {
  if (tf.getKernel('MaxPoolGrad', 'wasm')) tf.unregisterKernel('MaxPoolGrad', 'wasm');
  tf.registerKernel({
    kernelName: 'MaxPoolGrad',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { dy, input } = inputs as never as Record<string, tf.TensorInfo>;
      const { filterSize, strides, pad, dimRoundingMode } = attrs as never as PoolAttributes;
      const wasm = backend as never as WasmBackend;
      const shape = input!.shape as [number, number, number, number];
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      const out = wasm.makeOutput(shape, 'float32');
      const geometry = info as never as PoolGeometry;
      const dx = getFloat32View(wasm, out).fill(0);
      const simd = getSimdRunner(wasm);
      if (simd) {
        const addresses = [input!, dy!, out].map((tensor) => getByteAddress(wasm, tensor));
        const { inHeight, inWidth, inChannels, outHeight, outWidth, padInfo } = geometry;
        const { filterHeight, filterWidth, strideHeight, strideWidth } = geometry;
        const args = [
          ...[...addresses, inHeight, inWidth, inChannels, outHeight, outWidth],
          ...[filterHeight, filterWidth, strideHeight, strideWidth, padInfo.top, padInfo.left],
        ];
        simd('maxPoolGradient', args, { size: geometry.batchSize, granularity: 1 });
      } else {
        scatterToMaximum(getFloat32View(wasm, input!), getFloat32View(wasm, dy!), dx, geometry);
      }
      return out;
    },
  });
}

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

/** Adds the gradient of each pooling window to the element of `dx` at the first maximum of the window. `dx` must be filled with zeros. */
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
