import type { TracedTensor } from '../../../../tensor/trace/tracer.js';

/**
 * How the numbers of a value `[batch, height, width, channels]` lie in memory:
 *
 * - `last`: as TensorFlow.js has them.
 * - `first`: `[batch, channels, height, width]`, ONNX's own.
 * - `blocked`: `[batch, channels / block, height, width, block]`, which ONNX Runtime convolves fastest; to it the value has
 *   the shape of `first`. For channels that are a multiple of the block.
 */
export type Layout = 'last' | 'first' | 'blocked';

/** ONNX keeps channels second, TensorFlow.js last. */
export const NHWC_TO_NCHW = [0, 3, 1, 2];
export const NCHW_TO_NHWC = [0, 2, 3, 1];

/** ONNX Runtime's operations on blocked values. */
export const BLOCKED_DOMAIN = 'com.microsoft.nchwc';

/** Kernels that treat every number alike, so that they keep the layout of their inputs. */
const ELEMENTWISE_KERNELS = new Set([
  ...['Add', 'AddN', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference', 'Square'],
  ...['Relu', 'Relu6', 'LeakyRelu', 'Elu', 'Selu', 'Sigmoid', 'Tanh', 'Softplus', 'Step', 'ClipByValue'],
  ...['Exp', 'Log', 'Sqrt', 'Rsqrt', 'Neg', 'Abs', 'Sign', 'Reciprocal', 'ZerosLike', 'Cast'],
]);

/** Whether `kernel` may work on images in any layout: its images have one shape, all else is a single number. */
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
    operation: string,
    inputs: readonly string[],
    attributes?: { [name: string]: number | number[] },
  ): string;
}

/** `value` of so many channels in another layout. */
export function convertLayout(
  { addNode }: NodeWriter,
  value: string,
  from: Layout,
  to: Layout,
  channels: number,
): string {
  if (from === to) return value;
  if (to === 'blocked') {
    return addNode(`${BLOCKED_DOMAIN}:ReorderInput`, [value], { channels_last: from === 'last' ? 1 : 0 });
  }
  if (from === 'blocked') {
    return addNode(`${BLOCKED_DOMAIN}:ReorderOutput`, [value], {
      channels,
      channels_last: to === 'last' ? 1 : 0,
    });
  }
  return addNode('Transpose', [value], { perm: to === 'first' ? NHWC_TO_NCHW : NCHW_TO_NHWC });
}
