import { tf } from '../tf.js';
import { getSimdRunner } from './simdKernels.js';
import { getByteAddress, getFloat32View, type WasmBackend } from './wasmHeap.js';

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
 * Makes NaN stay NaN in the kernels of the wasm backend that replace it by a number: relu, relu6, clipping, the larger and smaller of two
 * tensors, the sign, and relu and relu6 in fused operations. Otherwise a network whose weights have become NaN would have a finite loss.
 * (XNNPACK compares the bits of a float with those of a bound, and the NaN that processors create is negative.)
 */
export function preserveNaN(): void {
  for (const [kernelName, bounds] of [
    ['Relu', ACTIVATION_BOUNDS.relu!],
    ['Relu6', ACTIVATION_BOUNDS.relu6!],
  ] as const) {
    overrideKernel(kernelName, ({ x }, _, backend) =>
      x!.dtype === 'float32' ? clamp(backend, x!, bounds) : undefined,
    );
  }
  overrideKernel<ClipAttributes>('ClipByValue', ({ x }, { clipValueMin, clipValueMax }, backend) =>
    x!.dtype === 'float32' ? clamp(backend, x!, [clipValueMin, clipValueMax]) : undefined,
  );
  for (const kernelName of ['FusedConv2D', 'FusedDepthwiseConv2D', '_FusedMatMul']) {
    overrideKernel<ActivationAttributes>(kernelName, (inputs, attributes, backend, runStock) => {
      const bounds = ACTIVATION_BOUNDS[attributes.activation ?? 'linear'];
      if (!bounds) return undefined;
      const out = runStock(inputs, { ...attributes, activation: 'linear' });
      return clampInPlace(backend, out, bounds);
    });
  }
  for (const kernelName of ['Maximum', 'Minimum']) {
    // The stock kernels preserve a NaN of the first operand only.
    overrideKernel(kernelName, ({ a, b }, attributes, _, runStock) => {
      if (a!.dtype !== 'float32') return undefined;
      return tf.tidy(() => {
        const result = tf.engine().makeTensorFromTensorInfo(runStock({ a: a!, b: b! }, attributes));
        const operand = tf.broadcastTo(b as tf.Tensor, result.shape);
        return tf.where(tf.isNaN(operand), operand, result);
      });
    });
  }
  overrideKernel('Sign', ({ x }, attributes, _, runStock) =>
    tf.tidy(() => {
      const result = tf.engine().makeTensorFromTensorInfo(runStock({ x: x! }, attributes));
      return tf.where(tf.isNaN(x as tf.Tensor), x as tf.Tensor, result);
    }),
  );
}

type Inputs = { readonly [name: string]: tf.TensorInfo };
type RunStock = (inputs: Inputs, attributes: object) => tf.TensorInfo;

/** Replaces a wasm backend kernel with `run`. If `run` returns undefined, the stock kernel is used. */
function overrideKernel<A extends object = object>(
  kernelName: string,
  run: (inputs: Inputs, attributes: A, backend: WasmBackend, runStock: RunStock) => tf.TensorInfo | undefined,
): void {
  const stock = tf.getKernel(kernelName, 'wasm')!;
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    ...stock,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const runStock: RunStock = (stockInputs, attributes) =>
        stock.kernelFunc({ inputs: stockInputs, backend, attrs: attributes } as never) as tf.TensorInfo;
      const result = run(inputs as never, attrs as never, backend as never, runStock);
      return result ?? stock.kernelFunc({ inputs, backend, attrs: attrs! });
    },
  });
}

/** Limits the values of a float32 tensor. */
function clamp(backend: WasmBackend, x: tf.TensorInfo, bounds: readonly [number, number]): tf.TensorInfo {
  return writeClamped(backend, x, backend.makeOutput(x.shape, 'float32'), bounds);
}

function clampInPlace(
  backend: WasmBackend,
  x: tf.TensorInfo,
  bounds: readonly [number, number],
): tf.TensorInfo {
  return writeClamped(backend, x, x, bounds);
}

/** Number of floats that a thread should at least process, so that waking it up is worth while. */
const THREAD_GRANULARITY = 4096;

function writeClamped(
  backend: WasmBackend,
  x: tf.TensorInfo,
  out: tf.TensorInfo,
  [low, high]: readonly [number, number],
): tf.TensorInfo {
  const simd = getSimdRunner(backend);
  const values = getFloat32View(backend, out);
  if (simd) {
    const addresses = [x, out].map((tensor) => getByteAddress(backend, tensor));
    const bits = new Int32Array(Float32Array.of(low, high).buffer);
    simd('clamp', [...addresses, ...bits], { size: values.length, granularity: THREAD_GRANULARITY });
  } else {
    const source = getFloat32View(backend, x);
    for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(source[i]!, low), high);
  }
  return out;
}
