import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { getSimdRunner } from './simd/simdKernels.js';
import { getByteAddress, getFloatBits, type WasmBackend } from './simd/wasmHeap.js';

/** Minimum number of values per thread. For fewer values, waking up a thread takes more time than the thread saves. */
const THREAD_GRANULARITY = 16_384;

/**
 * Replaces the wasm kernels for comparisons with a scalar, logical and, and selections between tensors of equal shape with SIMD loops. The
 * gradient of clipping, and so that of ReLU6, consists of these kernels, of which the stock versions process one value at a time.
 */
export function accelerateMasks(): void {
  for (const [kernelName, simdKernel] of [
    ['GreaterEqual', 'greaterEqual'],
    ['LessEqual', 'lessEqual'],
  ] as const) {
    overrideKernel('wasm', kernelName, ({ a, b }, _, { backend }) => {
      const wasm = backend as never as WasmBackend;
      const simd = getSimdRunner(wasm);
      if (!simd || a!.dtype !== 'float32' || b!.dtype !== 'float32' || b!.shape.length > 0) return undefined;
      const out = wasm.makeOutput(a!.shape, 'bool');
      const bound = wasm.typedArrayFromHeap(b!)[0]!;
      const args = [getByteAddress(wasm, a!), getByteAddress(wasm, out), ...getFloatBits(bound)];
      simd(simdKernel, args, divideValues(a!));
      return out;
    });
  }
  overrideKernel('wasm', 'LogicalAnd', ({ a, b }, _, { backend }) => {
    const wasm = backend as never as WasmBackend;
    const simd = getSimdRunner(wasm);
    if (!simd || !haveEqualShapes(a!, b!)) return undefined;
    const out = wasm.makeOutput(a!.shape, 'bool');
    const addresses = [a!, b!, out].map((tensor) => getByteAddress(wasm, tensor));
    simd('logicalAnd', addresses, divideValues(a!));
    return out;
  });
  overrideKernel('wasm', 'Select', ({ condition, t, e }, _, { backend }) => {
    const wasm = backend as never as WasmBackend;
    const simd = getSimdRunner(wasm);
    const areFloats = t!.dtype === 'float32' && e!.dtype === 'float32';
    if (!simd || !areFloats || !haveEqualShapes(condition!, t!) || !haveEqualShapes(t!, e!)) return undefined;
    const out = wasm.makeOutput(t!.shape, 'float32');
    const addresses = [condition!, t!, e!, out].map((tensor) => getByteAddress(wasm, tensor));
    simd('select4', addresses, divideValues(t!));
    return out;
  });
}

const divideValues = ({ shape }: tf.TensorInfo) => ({
  size: tf.util.sizeFromShape([...shape]),
  granularity: THREAD_GRANULARITY,
});

const haveEqualShapes = (a: tf.TensorInfo, b: tf.TensorInfo) =>
  tf.util.arraysEqual([...a.shape], [...b.shape]);
