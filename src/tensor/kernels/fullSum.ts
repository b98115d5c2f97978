import { tf } from '../tf.js';
import { getFloat32View, type WasmBackend } from './wasmHeap.js';

/**
 * Replaces the wasm kernel for the sum over all elements of a tensor with a sum in double precision. The TensorFlow.js kernel accumulates
 * in float32, which caused an error in the fourth digit of a sum of 262,144 squares (the L2 penalty of a dense layer after ResNet50).
 */
export function fixFullSum(): void {
  const stock = tf.getKernel('Sum', 'wasm')!;
  tf.unregisterKernel('Sum', 'wasm');
  tf.registerKernel({
    ...stock,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x } = inputs as never as { x: tf.TensorInfo };
      const { axis, keepDims } = attrs as never as { axis: number | number[] | null; keepDims: boolean };
      const isFull = tf.util.parseAxisParam(axis as number[], [...x.shape]).length === x.shape.length;
      if (!isFull || x.dtype !== 'float32' || x.shape.length === 0) {
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
