import { overrideKernel } from '../overrideKernel.js';
import { tf } from '../tf.js';
import { type Pair, toPair } from '../toPair.js';
import { type ConvolutionGeometry, computeConvolutionGeometry } from './convolutionGradients.js';
import { getSimdRunner, getSimdThreadCount } from './simd/simdKernels.js';
import { getByteAddress, getFloatBits, makeScratch, type WasmBackend } from './simd/wasmHeap.js';

// Sizes in assembly/winograd.ts, which describes the method.
const POSITIONS = 16;
const TILES = 32;
const PANEL_CHANNELS = 8;
const VECTOR_CHANNELS = 4;

/** Minimum number of 2x2 tiles of the output. For fewer tiles, transforming the filter takes more time than the transform saves. */
const MIN_TILES = 16;
/** Minimum number of input and output channels. For fewer channels, transforming the tiles takes more time than the transform saves. */
const MIN_CHANNELS = 8;
/** Minimum number of pairs of channels per thread when a filter is transformed. */
const FILTER_GRANULARITY = 1024;

interface ForwardAttributes {
  readonly pad: 'valid' | 'same' | number | [number, number][];
  readonly strides: Pair;
  readonly dilations?: Pair;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly activation?: string;
}

/** Lower bounds of the activations that the SIMD kernel applies. */
const LOWER_BOUNDS: { readonly [activation: string]: number } = { linear: Number.NEGATIVE_INFINITY, relu: 0 };

/**
 * Replaces the wasm convolutions with a 3x3 filter and stride 1 with the Winograd convolution of assembly/winograd.ts, which takes less than
 * half of the time. Convolutions with few channels or few pixels remain with XNNPACK.
 */
export function registerWinogradConvolutions(): void {
  for (const kernelName of ['Conv2D', 'FusedConv2D'] as const) {
    overrideKernel<ForwardAttributes>(
      'wasm',
      kernelName,
      ({ x, filter, bias, ...rest }, attributes, { backend }) => {
        const { strides, dilations = 1, pad, dataFormat = 'NHWC', activation = 'linear' } = attributes;
        const low = LOWER_BOUNDS[activation];
        const hasBias = bias === undefined || bias.shape.length === 1;
        if (low === undefined || !hasBias || dataFormat !== 'NHWC' || Object.values(rest).some(Boolean))
          return undefined;
        const geometry = computeConvolutionGeometry(
          x!.shape,
          filter!.shape,
          toPair(strides),
          toPair(dilations),
          pad,
        );
        const [inChannels, outChannels] = filter!.shape.slice(2) as [number, number];
        const { top, bottom, left, right } = geometry.padding;
        const [batch, height, width] = x!.shape as [number, number, number];
        const outShape = [batch, height + top + bottom - 2, width + left + right - 2, outChannels];
        if (!isSupported(filter!.shape, geometry, outShape, [inChannels, outChannels])) return undefined;
        return convolve(backend, {
          x: x!,
          filter: filter!,
          bias,
          outShape,
          padding: [top, left],
          low,
          isRotated: false,
        });
      },
    );
  }
}

/**
 * Computes the gradient of a 3x3 convolution with respect to its input. Returns undefined if the method does not support the convolution, or
 * if it would not be faster.
 */
export function computeWinogradInputGradient(
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  xShape: readonly number[],
  geometry: ConvolutionGeometry,
): tf.TensorInfo | undefined {
  const [inChannels, outChannels] = filter.shape.slice(2) as [number, number];
  if (!isSupported(filter.shape, geometry, xShape, [outChannels, inChannels])) return undefined;
  const { top, left } = geometry.padding;
  if (top > 2 || left > 2) return undefined;
  return convolve(tf.backend(), {
    x: dy,
    filter,
    bias: undefined,
    outShape: xShape,
    padding: [2 - top, 2 - left],
    low: Number.NEGATIVE_INFINITY,
    isRotated: true,
  });
}

/**
 * Computes the gradient of a 3x3 convolution with respect to its filter. Returns undefined if the method does not support the convolution,
 * or if it would not be faster.
 */
export function computeWinogradFilterGradient(
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  filterShape: readonly number[],
  geometry: ConvolutionGeometry,
): tf.TensorInfo | undefined {
  const wasm = tf.backend() as never as WasmBackend;
  const [inChannels, outChannels] = filterShape.slice(2) as [number, number];
  if (!isSupported(filterShape, geometry, dy.shape, [inChannels, outChannels])) return undefined;
  const simd = getSimdRunner(wasm)!;
  const dw = wasm.makeOutput(filterShape, 'float32');
  const pairs = inChannels * outChannels;
  const sums = makeScratch(wasm, POSITIONS * pairs);
  const scratch = makeScratch(wasm, POSITIONS * (TILES + 16) * (inChannels + outChannels));
  const [xAddress, dyAddress, dwAddress] = [x, dy, dw].map((tensor) => getByteAddress(wasm, tensor));
  simd(
    'winogradGradientSums',
    [
      ...[xAddress!, dyAddress!, sums.address],
      ...[x.shape[0]!, x.shape[1]!, x.shape[2]!, inChannels, dy.shape[1]!, dy.shape[2]!, outChannels],
      ...[geometry.padding.top, geometry.padding.left, scratch.address],
    ],
    { size: POSITIONS, granularity: 1 },
  );
  simd('winogradFilterGradient', [sums.address, dwAddress!, inChannels, outChannels], {
    size: pairs / VECTOR_CHANNELS,
    granularity: FILTER_GRANULARITY / VECTOR_CHANNELS,
  });
  sums.dispose();
  scratch.dispose();
  return dw;
}

/** Returns whether the Winograd kernels support a convolution and are faster than the others. `channels` are those of its input and output. */
function isSupported(
  filterShape: readonly number[],
  { strides, dilations }: ConvolutionGeometry,
  [batch, height, width]: readonly number[],
  [inChannels, outChannels]: readonly [number, number],
): boolean {
  const tiles = batch! * Math.ceil(height! / 2) * Math.ceil(width! / 2);
  return (
    getSimdRunner(tf.backend() as never) !== undefined &&
    [...filterShape.slice(0, 2), ...strides, ...dilations].join() === '3,3,1,1,1,1' &&
    inChannels % VECTOR_CHANNELS === 0 &&
    outChannels % PANEL_CHANNELS === 0 &&
    Math.min(inChannels, outChannels) >= MIN_CHANNELS &&
    Math.min(height!, width!) > 0 &&
    tiles >= MIN_TILES
  );
}

interface ConvolutionCall {
  readonly x: tf.TensorInfo;
  readonly filter: tf.TensorInfo;
  readonly bias: tf.TensorInfo | undefined;
  readonly outShape: readonly number[];
  /** Padding before the first row and column. */
  readonly padding: readonly [top: number, left: number];
  /** Lower bound of the result. */
  readonly low: number;
  /** Whether the filter is rotated by 180 degrees and its channels are swapped. */
  readonly isRotated: boolean;
}

function convolve(
  backend: tf.KernelBackend,
  { x, filter, bias, outShape, padding, low, isRotated }: ConvolutionCall,
): tf.TensorInfo {
  const wasm = backend as never as WasmBackend;
  const simd = getSimdRunner(wasm)!;
  const parts = getSimdThreadCount(wasm);
  const [batch, inHeight, inWidth, inChannels] = x.shape as [number, number, number, number];
  const [, outHeight, outWidth, outChannels] = outShape as [number, number, number, number];
  const out = wasm.makeOutput(outShape, 'float32');
  const transformed = makeScratch(wasm, POSITIONS * inChannels * outChannels);
  const floatsPerPart = POSITIONS * (TILES * inChannels + 16 + TILES * PANEL_CHANNELS + inChannels);
  const scratch = makeScratch(wasm, parts * floatsPerPart);
  const [xAddress, filterAddress, outAddress] = [x, filter, out].map((tensor) =>
    getByteAddress(wasm, tensor),
  );
  simd(
    'winogradFilter',
    [filterAddress!, transformed.address, filter.shape[2]!, filter.shape[3]!, Number(isRotated)],
    {
      size: outChannels / PANEL_CHANNELS,
      granularity: Math.ceil(FILTER_GRANULARITY / (inChannels * PANEL_CHANNELS)),
    },
  );
  simd(
    'winogradConvolution',
    [
      ...[xAddress!, transformed.address, bias ? getByteAddress(wasm, bias) : 0, outAddress!],
      ...[batch, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels],
      ...[...padding, ...getFloatBits(low)],
      ...[scratch.address, floatsPerPart * Float32Array.BYTES_PER_ELEMENT, parts],
    ],
    { size: parts, granularity: 1 },
  );
  transformed.dispose();
  scratch.dispose();
  return out;
}
