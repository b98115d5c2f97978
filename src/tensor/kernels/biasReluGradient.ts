import { tf } from '../tf.js';
import { getSimdRunner } from './simd/simdKernels.js';
import { getByteAddress, getFloat32View, type WasmBackend } from './simd/wasmHeap.js';

/**
 * Name of the kernel for the gradients of ReLU and bias. Its inputs and outputs are `{ y, dy } -> [masked, bias]`: `masked` equals `dy`
 * where `y > 0` and is 0 elsewhere, and `bias` is the sum of `masked` over all axes except the last.
 */
export const BIAS_RELU_GRADIENT = 'MultitaskBiasReluGradient';

/** Number of floats in a cache line. Threads that write to the same cache line slow each other down. */
const CACHE_LINE_FLOATS = 16;

/** Registers the wasm kernel that computes the gradients of ReLU and bias in a fused convolution in one pass. */
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
