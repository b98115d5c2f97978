import { tf } from '../tf.js';
import { getSimdRunner } from './simdKernels.js';
import { getByteAddress, getFloat32View, type WasmBackend } from './wasmHeap.js';

/** Name of the kernel `{ y, dy } -> [dy where y > 0, its sum over all axes but the last]`. */
export const BIAS_RELU_GRADIENT = 'MultitaskBiasReluGradient';

/** Floats in a cache line. Two threads that write to the same line wait for each other. */
const CACHE_LINE_FLOATS = 16;

/** Registers the gradients of relu and bias in a fused convolution for wasm, computed in one pass. */
export function registerBiasReluGradient(): void {
  tf.registerKernel({
    kernelName: BIAS_RELU_GRADIENT,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend }) => {
      const { y, dy } = inputs as never as Record<string, tf.TensorInfo>;
      const wasm = backend as never as WasmBackend;
      const channels = y!.shape.at(-1)!;
      const masked = wasm.makeOutput(y!.shape, 'float32');
      const bias = wasm.makeOutput([channels], 'float32');
      const simd = getSimdRunner(wasm);
      if (simd) {
        getFloat32View(wasm, bias).fill(0);
        const addresses = [y!, dy!, masked, bias].map((tensor) => getByteAddress(wasm, tensor));
        const rows = getFloat32View(wasm, masked).length / channels;
        simd('biasReluGradient', [...addresses, rows, channels], {
          size: channels,
          granularity: CACHE_LINE_FLOATS,
        });
        return [masked, bias];
      }
      const sums = new Float64Array(channels);
      const dyValues = getFloat32View(wasm, dy!);
      const yValues = getFloat32View(wasm, y!);
      const maskedValues = getFloat32View(wasm, masked);
      for (let i = 0; i < maskedValues.length; i += channels) {
        for (let c = 0; c < channels; c++) {
          const value = yValues[i + c]! > 0 ? dyValues[i + c]! : 0;
          maskedValues[i + c] = value;
          sums[c]! += value;
        }
      }
      getFloat32View(wasm, bias).set(sums);
      return [masked, bias];
    },
  });
}
