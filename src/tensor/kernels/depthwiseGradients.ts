import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';
import { getSimdRunner, type SimdRunner } from './simd/simdKernels.js';
import { getByteAddress, getFloat32View, makeScratch, type WasmBackend } from './simd/wasmHeap.js';

interface DepthwiseAttributes {
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pad: 'valid' | 'same' | number | [number, number][];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape?: [number, number, number, number];
  readonly inputShape?: [number, number, number, number];
}

/**
 * Registers wasm kernels for both gradients of a depthwise convolution, because the wasm backend has none. Without SIMD, or if an input
 * channel has several output channels, the kernels are plain loops over the heap.
 */
export function registerDepthwiseGradients(): void {
  tf.registerKernel({
    kernelName: 'DepthwiseConv2dNativeBackpropInput',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { dy, filter } = inputs as never as Record<string, tf.TensorInfo>;
      const { inputShape, ...rest } = attrs as never as DepthwiseAttributes;
      const wasm = backend as never as WasmBackend;
      const out = wasm.makeOutput(inputShape!, 'float32');
      const simd = getSimdRunner(wasm);
      if (simd && filter!.shape[3] === 1) {
        const info = computeGeometry(inputShape!, filter!.shape, rest);
        const addresses = [dy!, filter!, out].map((tensor) => getByteAddress(wasm, tensor));
        const workload = { size: info.batchSize * info.inHeight, granularity: 1 };
        simd('depthwiseInputGradient', [...addresses, ...toArguments(info)], workload);
        return out;
      }
      const dx = getFloat32View(wasm, out).fill(0);
      const dyValues = getFloat32View(wasm, dy!);
      const weights = getFloat32View(wasm, filter!);
      forEachProduct(inputShape!, filter!.shape, rest, (x, w, y) => {
        dx[x]! += weights[w]! * dyValues[y]!;
      });
      return out;
    },
  });
  tf.registerKernel({
    kernelName: 'DepthwiseConv2dNativeBackpropFilter',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x, dy } = inputs as never as Record<string, tf.TensorInfo>;
      const { filterShape, ...rest } = attrs as never as DepthwiseAttributes;
      const wasm = backend as never as WasmBackend;
      const out = wasm.makeOutput(filterShape!, 'float32');
      const simd = getSimdRunner(wasm);
      if (simd && filterShape![3] === 1) {
        computeFilterGradientWithSimd(
          wasm,
          simd,
          x!,
          dy!,
          out,
          computeGeometry(x!.shape, filterShape!, rest),
        );
        return out;
      }
      const dw = getFloat32View(wasm, out);
      const sums = new Float64Array(dw.length);
      const xValues = getFloat32View(wasm, x!);
      const dyValues = getFloat32View(wasm, dy!);
      forEachProduct(x!.shape, filterShape!, rest, (xIndex, w, y) => {
        sums[w]! += xValues[xIndex]! * dyValues[y]!;
      });
      dw.set(sums);
      return out;
    },
  });
}

/** Adds up the filter gradients of all images in double precision, so that the sum does not depend on the number of threads. */
function computeFilterGradientWithSimd(
  wasm: WasmBackend,
  simd: SimdRunner,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  out: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
): void {
  const scratch = makeScratch(wasm, info.batchSize * getFloat32View(wasm, out).length);
  const dw = getFloat32View(wasm, out);
  const [xAddress, dyAddress] = [x, dy].map((tensor) => getByteAddress(wasm, tensor));
  simd('depthwiseFilterGradient', [xAddress!, dyAddress!, scratch.address, ...toArguments(info)], {
    size: info.batchSize,
    granularity: 1,
  });
  const [gradients] = scratch.split([info.batchSize * dw.length]);
  const sums = new Float64Array(dw.length);
  for (let start = 0; start < gradients!.length; start += dw.length) {
    for (let i = 0; i < dw.length; i++) sums[i]! += gradients![start + i]!;
  }
  dw.set(sums);
  scratch.dispose();
}

/** Returns the arguments that follow the addresses in a call to a function in assembly/depthwise.ts. */
const toArguments = (g: tf.backend_util.Conv2DInfo) => [
  ...[g.inHeight, g.inWidth, g.inChannels, g.outHeight, g.outWidth, g.filterHeight, g.filterWidth],
  ...[g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth, g.padInfo.top, g.padInfo.left],
];

function computeGeometry(
  xShape: readonly number[],
  filterShape: readonly number[],
  { strides, dilations, pad, dimRoundingMode }: DepthwiseAttributes,
): tf.backend_util.Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    xShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    toPair(strides),
    toPair(dilations),
    pad as never,
    dimRoundingMode,
    true,
  );
}

/**
 * Calls `visit` for each product of the forward pass. The arguments are the indices of the input value, the filter weight, and the output
 * value to which the product is added.
 */
function forEachProduct(
  xShape: readonly number[],
  filterShape: readonly number[],
  attributes: DepthwiseAttributes,
  visit: (x: number, w: number, y: number) => void,
): void {
  const info = computeGeometry(xShape, filterShape, attributes);
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = info;
  const multiplier = filterShape[3]!;
  const outChannels = inChannels * multiplier;
  for (let b = 0; b < batchSize; b++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ky = 0; ky < info.filterHeight; ky++) {
        const iy = oy * info.strideHeight - info.padInfo.top + ky * info.dilationHeight;
        if (iy < 0 || iy >= inHeight) continue;
        for (let ox = 0; ox < outWidth; ox++) {
          const y0 = ((b * outHeight + oy) * outWidth + ox) * outChannels;
          for (let kx = 0; kx < info.filterWidth; kx++) {
            const ix = ox * info.strideWidth - info.padInfo.left + kx * info.dilationWidth;
            if (ix < 0 || ix >= inWidth) continue;
            const x0 = ((b * inHeight + iy) * inWidth + ix) * inChannels;
            const w0 = (ky * info.filterWidth + kx) * outChannels;
            for (let c = 0; c < outChannels; c++) visit(x0 + ((c / multiplier) | 0), w0 + c, y0 + c);
          }
        }
      }
    }
  }
}
