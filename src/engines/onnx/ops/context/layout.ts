import type { TracedTensor } from '../../../../tensor/trace/tracer.js';

/**
 * Memory layout of an image value whose TensorFlow.js shape is `[batch, height, width, channels]`:
 *
 * - `channelsLast`: `[batch, height, width, channels]`, the layout of TensorFlow.js.
 * - `channelsFirst`: `[batch, channels, height, width]`, the layout of ONNX.
 * - `blocked`: `[batch, channels / block, height, width, block]`, the fastest layout for convolutions in ONNX Runtime. The declared shape
 *   of such a value in the graph is its `channelsFirst` shape. The number of channels must be a multiple of the block size.
 */
export type Layout = 'channelsLast' | 'channelsFirst' | 'blocked';

/** Axis order of the transpose from channels-last to channels-first. */
export const NHWC_TO_NCHW = [0, 3, 1, 2];
/** Axis order of the transpose from channels-first to channels-last. */
export const NCHW_TO_NHWC = [0, 2, 3, 1];

/** ONNX domain of the operations that ONNX Runtime has for images in blocked layout. */
export const BLOCKED_DOMAIN = 'com.microsoft.nchwc';

/**
 * TensorFlow.js kernels that compute each element independently. These kernels can run in any memory layout, and their output has the
 * layout of their inputs.
 */
const ELEMENTWISE_KERNELS = new Set([
  ...['Add', 'AddN', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference', 'Square'],
  ...['Relu', 'Relu6', 'LeakyRelu', 'Elu', 'Selu', 'Sigmoid', 'Tanh', 'Softplus', 'Step', 'ClipByValue'],
  ...['Exp', 'Log', 'Sqrt', 'Rsqrt', 'Neg', 'Abs', 'Sign', 'Reciprocal', 'ZerosLike', 'Cast'],
]);

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
