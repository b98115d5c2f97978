import { tf } from '../tf.js';
import { getFloat32View, type WasmBackend } from './wasmHeap.js';

/**
 * The sum of a whole tensor in double precision. Stock wasm adds one number after another to a float32: of a quarter of a
 * million squares, the penalty of a dense layer behind ResNet50, the fourth digit is wrong.
 */
export function fixFullSum(): void {
  const stock = tf.getKernel('Sum', 'wasm')!;
  tf.unregisterKernel('Sum', 'wasm');
  tf.registerKernel({
    ...stock,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x } = inputs as never as { x: tf.TensorInfo };
      const { axis, keepDims } = attrs as never as { axis: number | number[] | null; keepDims: boolean };
      const whole = tf.util.parseAxisParam(axis as number[], [...x.shape]).length === x.shape.length;
      if (!whole || x.dtype !== 'float32' || x.shape.length === 0) {
        return stock.kernelFunc({ inputs, backend, attrs: attrs! });
      }
      const wasm = backend as never as WasmBackend;
      const out = wasm.makeOutput(keepDims ? x.shape.map(() => 1) : [], 'float32');
      let sum = 0;
      for (const value of getFloat32View(wasm, x)) sum += value;
      getFloat32View(wasm, out)[0] = sum;
      return out;
    },
  });
}
