import type { TracedTensor } from '../../../../tensor/trace/tracer.js';

import { CLIP_GRADIENT, RELU_GRADIENT, SWISH, SWISH_GRADIENT } from './fusedKernels.js';

/**
 * Memory layout of an image value whose TensorFlow.js shape is `[batch, height, width, channels]`:
 *
 * - `channelsLast`: `[batch, height, width, channels]`, the layout of TensorFlow.js.
 * - `channelsFirst`: `[batch, channels, height, width]`, the layout of ONNX.
 * - `blocked`: `[batch, channels / block, height, width, block]`, the fastest layout for convolutions in ONNX Runtime. The declared shape
 *   of such a value in the graph is its `channelsFirst` shape. If the number of channels is not a multiple of the block size, the value has
 *   additional channels up to the next multiple, see {@link padChannels}. All of their elements are zero.
 */
export type Layout = 'channelsLast' | 'channelsFirst' | 'blocked';

/** Axis order of the transpose from channels-last to channels-first. */
export const NHWC_TO_NCHW = [0, 3, 1, 2];
/** Axis order of the transpose from channels-first to channels-last. */
export const NCHW_TO_NHWC = [0, 2, 3, 1];

/** ONNX domain of the operations that ONNX Runtime has for images in blocked layout. */
export const BLOCKED_DOMAIN = 'com.microsoft.nchwc';

/** Returns the number of channels that an image with `channels` channels has in blocked layout: the next multiple of the block size. */
export const padChannels = (channels: number, block: number): number => Math.ceil(channels / block) * block;

/** `ReorderInput` of ONNX Runtime requires a number of channels that is a multiple of this number. */
const CHANNEL_GRANULARITY = 4;
/** Largest proportion of zeros for which a padded image in blocks is faster than an image in channels-first layout. */
const MAX_PADDING = 0.25;

/** Returns whether images with `channels` channels can be stored in blocks, and with few additional channels. */
export const fitsBlocks = (channels: number, block: number): boolean =>
  channels % block === 0 ||
  (channels % CHANNEL_GRANULARITY === 0 && 1 - channels / padChannels(channels, block) <= MAX_PADDING);

/**
 * TensorFlow.js kernels that compute each element independently. These kernels can run in any memory layout, and their output has the
 * layout of their inputs.
 */
const ELEMENTWISE_KERNELS = new Set<string>([
  ...[SWISH, SWISH_GRADIENT, CLIP_GRADIENT, RELU_GRADIENT],
  ...['Add', 'AddN', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference', 'Square'],
  ...['Relu', 'Relu6', 'LeakyRelu', 'Elu', 'Selu', 'Sigmoid', 'Tanh', 'Softplus', 'Step', 'ClipByValue'],
  ...['Exp', 'Log', 'Sqrt', 'Rsqrt', 'Neg', 'Abs', 'Sign', 'Reciprocal', 'ZerosLike', 'Cast'],
]);

/** Element-wise kernels that return zero if all of their inputs are zero, also if one of two inputs is a scalar. */
const ZERO_PRESERVING_KERNELS = new Set<string>([
  ...[SWISH, SWISH_GRADIENT, CLIP_GRADIENT, RELU_GRADIENT],
  'Multiply',
  'Relu',
  'Relu6',
  'LeakyRelu',
  'Elu',
  'Selu',
  'Tanh',
]);
for (const kernel of ['Sqrt', 'Neg', 'Abs', 'Sign', 'ZerosLike', 'Cast', 'Square']) {
  ZERO_PRESERVING_KERNELS.add(kernel);
}
/** Element-wise kernels that return zero if all of their inputs are zero images. */
const ZERO_PRESERVING_IMAGE_KERNELS = new Set([
  'Add',
  'AddN',
  'Sub',
  'Maximum',
  'Minimum',
  'SquaredDifference',
]);

/**
 * Returns whether the element-wise kernel returns zero for the additional channels of images in blocked layout, whose elements are zero.
 */
export function preservesZeros(kernel: string, inputs: readonly TracedTensor[]): boolean {
  const hasScalar = inputs.some(({ shape }) => shape.length === 0);
  return ZERO_PRESERVING_KERNELS.has(kernel) || (ZERO_PRESERVING_IMAGE_KERNELS.has(kernel) && !hasScalar);
}

/**
 * Returns whether a kernel call can run in any memory layout. This is the case if the kernel is element-wise, and each input is a scalar or
 * has the shape of the output.
 */
export function preservesLayout(
  kernel: string,
  inputs: readonly TracedTensor[],
  [output]: readonly TracedTensor[],
): boolean {
  const shape = output?.shape.join();
  return (
    ELEMENTWISE_KERNELS.has(kernel) &&
    output!.shape.length === 4 &&
    inputs.every((input) => input.shape.join() === shape || input.shape.length === 0)
  );
}

interface NodeWriter {
  addNode(
    opType: string,
    inputs: readonly string[],
    attributes?: { [name: string]: number | number[] },
  ): string;
}

/** Adds a node that converts an image to another memory layout, unless it already is in that layout. */
export function convertLayout(
  { addNode }: NodeWriter,
  value: string,
  from: Layout,
  to: Layout,
  channels: number,
): string {
  if (from === to) return value;
  if (to === 'blocked') {
    return addNode(`${BLOCKED_DOMAIN}:ReorderInput`, [value], {
      channels_last: from === 'channelsLast' ? 1 : 0,
    });
  }
  if (from === 'blocked') {
    return addNode(`${BLOCKED_DOMAIN}:ReorderOutput`, [value], {
      channels,
      channels_last: to === 'channelsLast' ? 1 : 0,
    });
  }
  return addNode('Transpose', [value], { perm: to === 'channelsFirst' ? NHWC_TO_NCHW : NCHW_TO_NHWC });
}
