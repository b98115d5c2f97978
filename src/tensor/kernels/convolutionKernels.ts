import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';
import {
  type ConvolutionGeometry,
  computeConvolutionGeometry,
  computeFilterGradient,
  computeInputGradient,
} from './convolutionGradients.js';
import { getSimdRunner } from './simdKernels.js';
import { getByteAddress, getFloat32View, type WasmBackend } from './wasmHeap.js';

interface GradientAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | [number, number][];
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly filterShape?: number[];
  readonly inputShape?: number[];
}

/**
 * With padding `same` and a stride larger than the kernel, the stock wasm convolutions return zeros: XNNPACK refuses
 * the operator and nobody looks. Written as explicit numbers the same padding works.
 */
export function fixSamePadding(): void {
  const names = ['Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D'] as const;
  for (const kernelName of names) {
    const stock = tf.getKernel(kernelName, 'wasm');
    if (!stock) continue;
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      ...stock,
      kernelFunc: ({ inputs, backend, attrs }) => {
        const { x, filter } = inputs as never as { x: tf.TensorInfo; filter: tf.TensorInfo };
        const attributes = attrs as never as ForwardAttributes;
        if (attributes.pad !== 'same') return stock.kernelFunc({ inputs, backend, attrs: attrs! });
        const { strides, dilations } = attributes;
        const { padding } = computeConvolutionGeometry(
          x.shape,
          filter.shape,
          toPair(strides),
          toPair(dilations ?? 1),
          'same',
        );
        const pad = [
          [0, 0],
          [padding.top, padding.bottom],
          [padding.left, padding.right],
          [0, 0],
        ];
        return stock.kernelFunc({ inputs, backend, attrs: { ...attributes, pad } as never });
      },
    });
  }
}

interface ForwardAttributes {
  readonly pad: unknown;
  readonly strides: [number, number] | number;
  readonly dilations?: [number, number] | number;
}

/** Gradients of `tf.conv2d` for wasm: by the filter, which it lacks, and by the input, which it does slowly. */
export function registerConvolutionGradients(): void {
  registerWasmKernel('Conv2DBackpropFilter', ({ x, dy }, { filterShape, ...rest }) => {
    const numbers = getGeometry(x!.shape, filterShape!, rest);
    return (
      computeFilterGradientWithSimd(x!, dy!, filterShape!, numbers) ??
      computeFilterGradient(x!, dy!, filterShape!, numbers)
    );
  });
  registerWasmKernel('Conv2DBackpropInput', ({ dy, filter }, { inputShape, ...rest }) =>
    computeInputGradient(dy!, filter!, inputShape!, getGeometry(inputShape!, filter!.shape, rest)),
  );
}

/** The outputs that one inner loop of assembly/training.ts makes at a time. */
const LANES = 8;

/** In place, without the transposed copies that {@link computeFilterGradient} makes; undefined where it would be slower. */
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
  const numbers = [
    ...[x, dy, dw].map((tensor) => getByteAddress(wasm, tensor)),
    ...[batch, inHeight, inWidth, inChannels, dy.shape[1], dy.shape[2], outChannels],
    ...[kernelHeight, kernelWidth, ...strides, ...dilations, padding.top, padding.left],
  ];
  // A thread's part is one piece of dw: what lies between another's is fetched by both, and each waits for the other.
  const rows = kernelHeight * kernelWidth * inChannels;
  simd('filterGradient', numbers, { size: rows, granularity: inChannels % 4 === 0 ? 4 : inChannels });
  return dw;
}

const toPair = (value: [number, number] | number): [number, number] =>
  typeof value === 'number' ? [value, value] : value;

function getGeometry(
  xShape: readonly number[],
  filterShape: readonly number[],
  attributes: GradientAttributes,
) {
  if (attributes.dataFormat === 'NCHW') throw new Error('wasm convolutions are channels-last only');
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
