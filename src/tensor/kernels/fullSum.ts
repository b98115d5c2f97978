import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { getFloat32View, type WasmBackend } from './wasmHeap.js';

interface SumAttributes {
  readonly axis: number | number[] | null;
  readonly keepDims: boolean;
}

/**
 * Replaces the wasm kernel for the sum over all elements of a tensor with a sum in double precision. The TensorFlow.js kernel accumulates
 * in float32, which caused an error in the fourth digit of a sum of 262,144 squares (the L2 penalty of a dense layer after ResNet50).
 */
export function fixFullSum(): void {
  overrideKernel<SumAttributes>('wasm', 'Sum', ({ x }, { axis, keepDims }, { backend }) => {
    const { shape, dtype } = x!;
    const isFull = tf.util.parseAxisParam(axis as number[], [...shape]).length === shape.length;
    if (!isFull || dtype !== 'float32' || shape.length === 0) return undefined;
    const wasm = backend as never as WasmBackend;
    const out = wasm.makeOutput(keepDims ? shape.map(() => 1) : [], 'float32');
    let sum = 0;
    for (const value of getFloat32View(wasm, x!)) sum += value;
    getFloat32View(wasm, out)[0] = sum;
    return out;
  });
}
