import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';
import { getFloat32View, type WasmBackend } from './wasmHeap.js';

interface DepthwiseAttributes {
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pad: 'valid' | 'same' | number | [number, number][];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape?: [number, number, number, number];
  readonly inputShape?: [number, number, number, number];
}

/**
 * Registers wasm kernels for both gradients of a depthwise convolution, because the wasm backend has none. The kernels are plain loops over
 * the heap: a depthwise convolution computes only one product for each value that it reads, so its speed is limited by memory bandwidth,
 * not by arithmetic.
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

/**
 * Calls `visit` for each product of the forward pass. The arguments are the indices of the input value, the filter weight, and the output
 * value to which the product is added.
 */
function forEachProduct(
  xShape: readonly number[],
  filterShape: readonly number[],
  { strides, dilations, pad, dimRoundingMode }: DepthwiseAttributes,
  visit: (x: number, w: number, y: number) => void,
): void {
  const info = tf.backend_util.computeConv2DInfo(
    xShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    toPair(strides),
    toPair(dilations),
    pad as never,
    dimRoundingMode,
    true,
  );
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
