import { tf } from '../tf.js';
import { addressOf, floatsOf, type WasmBackend } from './heap.js';
import { simdOf } from './simd.js';

/** Name of our kernel: `{ y, dy } -> [dy where y > 0, its sum over all axes but the last]`. */
export const BIAS_RELU_GRADIENT = 'MultitaskBiasReluGradient';

/** Floats in a line of the cache: two threads that write to the same line wait for each other. */
const LINE = 16;

/** The relu mask and the bias gradient of a fused convolution in one pass, for wasm. */
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
      const simd = simdOf(wasm);
      if (simd) {
        floatsOf(wasm, bias).fill(0);
        const addresses = [y!, dy!, masked, bias].map((tensor) => addressOf(wasm, tensor));
        const rows = floatsOf(wasm, masked).length / channels;
        simd('biasReluGradient', [...addresses, rows, channels], { size: channels, unit: LINE });
        return [masked, bias];
      }
      const sums = new Float64Array(channels);
      const from = floatsOf(wasm, dy!);
      const gate = floatsOf(wasm, y!);
      const to = floatsOf(wasm, masked);
      for (let i = 0; i < to.length; i += channels) {
        for (let c = 0; c < channels; c++) {
          const value = gate[i + c]! > 0 ? from[i + c]! : 0;
          to[i + c] = value;
          sums[c]! += value;
        }
      }
      floatsOf(wasm, bias).set(sums);
      return [masked, bias];
    },
  });
}
