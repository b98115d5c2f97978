import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';
import {
  type ConvolutionGeometry,
  computeConvolutionGeometry,
  computeFilterGradient,
  computeInputGradient,
} from './convolutionGradients.js';
import { getSimdRunner } from './simd/simdKernels.js';
import { getByteAddress, getFloat32View, type WasmBackend } from './simd/wasmHeap.js';
import { computeWinogradFilterGradient, computeWinogradInputGradient } from './winograd.js';

interface GradientAttributes {
  readonly strides: Pair;
  readonly pad: 'valid' | 'same' | number | [number, number][];
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly filterShape?: number[];
  readonly inputShape?: number[];
}

/** Registers wasm kernels for the gradients of `tf.conv2d`. The wasm backend has no filter gradient, and its input gradient is slow. */
export function registerConvolutionGradients(): void {
  registerWasmKernel('Conv2DBackpropFilter', ({ x, dy }, { filterShape, ...rest }) => {
    const geometry = getGeometry(x!.shape, filterShape!, rest);
    return (
      computeWinogradFilterGradient(x!, dy!, filterShape!, geometry) ??
      computeFilterGradientWithSimd(x!, dy!, filterShape!, geometry) ??
      computeFilterGradient(x!, dy!, filterShape!, geometry)
    );
  });
  registerWasmKernel('Conv2DBackpropInput', ({ dy, filter }, { inputShape, ...rest }) => {
    const geometry = getGeometry(inputShape!, filter!.shape, rest);
    return (
      computeWinogradInputGradient(dy!, filter!, inputShape!, geometry) ??
      computeInputGradient(dy!, filter!, inputShape!, geometry)
    );
  });
}

/** Number of output channels that the inner loops in assembly/training.ts compute at a time. */
const LANES = 8;

/**
 * Computes the filter gradient without the transposed copies that {@link computeFilterGradient} needs. Returns undefined if the runtime
 * does not support SIMD, or if the number of output channels is not a multiple of {@link LANES}.
 */
function computeFilterGradientWithSimd(
  x: Tensor4D,
  dy: Tensor4D,
  filterShape: readonly number[],
  { strides, dilations, padding }: ConvolutionGeometry,
): tf.TensorInfo | undefined {
  const wasm = tf.backend() as never as WasmBackend;
  const simd = getSimdRunner(wasm);
  const [kernelHeight, kernelWidth, inChannels, outChannels] = filterShape as [
    number,
    number,
    number,
    number,
  ];
  if (!simd || outChannels % LANES !== 0) return undefined;
  const dw = wasm.makeOutput(filterShape, 'float32');
  getFloat32View(wasm, dw).fill(0);
  const [batch, inHeight, inWidth] = x.shape;
  const args = [
    ...[x, dy, dw].map((tensor) => getByteAddress(wasm, tensor)),
    ...[batch, inHeight, inWidth, inChannels, dy.shape[1], dy.shape[2], outChannels],
    ...[kernelHeight, kernelWidth, ...strides, ...dilations, padding.top, padding.left],
  ];
  // Each thread writes to a contiguous range of dw. With interleaved ranges, threads would write to the same cache lines and slow each
  // other down.
  const rows = kernelHeight * kernelWidth * inChannels;
  simd('filterGradient', args, { size: rows, granularity: inChannels % 4 === 0 ? 4 : inChannels });
  return dw;
}

function getGeometry(
  xShape: readonly number[],
  filterShape: readonly number[],
  attributes: GradientAttributes,
) {
  if (attributes.dataFormat === 'NCHW')
    throw new Error('convolutions on wasm only support channels-last images');
  return computeConvolutionGeometry(xShape, filterShape, toPair(attributes.strides), [1, 1], attributes.pad);
}

function registerWasmKernel(
  kernelName: string,
  run: (inputs: { [name: string]: Tensor4D }, attributes: GradientAttributes) => tf.TensorInfo,
): void {
  if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => run(inputs as never, attrs as never),
  });
}
