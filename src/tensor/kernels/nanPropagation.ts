import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { getSimdRunner } from './simd/simdKernels.js';
import { getByteAddress, getFloat32View, getFloatBits, type WasmBackend } from './simd/wasmHeap.js';

interface ActivationAttributes {
  readonly activation?: string;
}

interface ClipAttributes {
  readonly clipValueMin: number;
  readonly clipValueMax: number;
}

/** Bounds of the activations that XNNPACK fuses with a layer. */
const ACTIVATION_BOUNDS: { readonly [activation: string]: readonly [low: number, high: number] } = {
  relu: [0, Number.POSITIVE_INFINITY],
  relu6: [0, 6],
};

/**
 * Makes the wasm backend kernels that replace NaN with a number return NaN instead: relu, relu6, clipping, maximum, minimum, sign, and
 * fused operations with relu or relu6. Without this change, a network whose weights have become NaN would have a finite loss. (XNNPACK
 * compares the bits of a float with those of a bound, and the NaN that processors create is negative.)
 */
export function preserveNaN(): void {
  for (const [kernelName, bounds] of [
    ['Relu', ACTIVATION_BOUNDS.relu!],
    ['Relu6', ACTIVATION_BOUNDS.relu6!],
  ] as const) {
    overrideKernel('wasm', kernelName, ({ x }, _, { backend }) =>
      x!.dtype === 'float32' ? clamp(backend, x!, bounds) : undefined,
    );
  }
  overrideKernel<ClipAttributes>('wasm', 'ClipByValue', ({ x }, attributes, { backend }) => {
    const { clipValueMin, clipValueMax } = attributes;
    return x!.dtype === 'float32' ? clamp(backend, x!, [clipValueMin, clipValueMax]) : undefined;
  });
  for (const kernelName of ['FusedConv2D', 'FusedDepthwiseConv2D', '_FusedMatMul']) {
    overrideKernel<ActivationAttributes>('wasm', kernelName, (inputs, attributes, { backend, runStock }) => {
      const bounds = ACTIVATION_BOUNDS[attributes.activation ?? 'linear'];
      if (!bounds) return undefined;
      const out = runStock(inputs, { ...attributes, activation: 'linear' });
      return clamp(backend, out, bounds, out);
    });
  }
  for (const kernelName of ['Maximum', 'Minimum']) {
    overrideKernel('wasm', kernelName, ({ a, b }, attributes, { runStock }) => {
      if (a!.dtype !== 'float32') return undefined;
      // The stock kernels preserve a NaN of the first operand only.
      return copyNaN(b!, runStock({ a: a!, b: b! }, attributes));
    });
  }
  overrideKernel('wasm', 'Sign', ({ x }, attributes, { runStock }) =>
    copyNaN(x!, runStock({ x: x! }, attributes)),
  );
}

/** Returns `result` with NaN at every position where `operand`, broadcast to its shape, is NaN. Disposes of `result`. */
function copyNaN(operand: tf.TensorInfo, result: tf.TensorInfo): tf.Tensor {
  const values = tf.engine().makeTensorFromTensorInfo(result);
  const broadcast = tf.broadcastTo(operand as tf.Tensor, values.shape);
  return tf.where(tf.isNaN(broadcast), broadcast, values);
}

/** Minimum number of floats per thread. For fewer floats, waking up a thread takes more time than the thread saves. */
const THREAD_GRANULARITY = 4096;

/** Limits the values of a float32 tensor to `bounds`, and writes them to `out`, which may be `x`. NaN remains NaN. Returns `out`. */
function clamp(
  backend: tf.KernelBackend,
  x: tf.TensorInfo,
  [low, high]: readonly [number, number],
  out?: tf.TensorInfo,
): tf.TensorInfo {
  const wasm = backend as never as WasmBackend;
  const target = out ?? wasm.makeOutput(x.shape, 'float32');
  const simd = getSimdRunner(wasm);
  const values = getFloat32View(wasm, target);
  if (simd) {
    const addresses = [x, target].map((tensor) => getByteAddress(wasm, tensor));
    simd('clamp', [...addresses, ...getFloatBits(low, high)], {
      size: values.length,
      granularity: THREAD_GRANULARITY,
    });
  } else {
    const source = getFloat32View(wasm, x);
    for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(source[i]!, low), high);
  }
  return target;
}
