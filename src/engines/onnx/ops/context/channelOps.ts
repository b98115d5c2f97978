import { BLOCKED_DOMAIN, type Layout } from './layout.js';
import type { LoweringContext } from './loweringContext.js';

/**
 * Methods that add nodes for per-channel arithmetic on the inputs of a kernel. All methods use the same memory layout, which is the fastest
 * layout for these inputs.
 */
export interface ChannelOps {
  /** Returns the kernel input `name`, converted to the memory layout of these methods. */
  getValues(name: string): string;
  /** Adds nodes for `value * factor + shift + addend`, where `factor` and `shift` have one element per channel. */
  addAffine(value: string, factor: string, shift?: string, addend?: string): string;
  /** Adds nodes that sum `value` over all axes except the channels. The result has one element per channel. */
  addSum(value: string): string;
  /** Marks `value`, a future kernel output, as stored in the memory layout that this object's methods use. Returns `value`. */
  markResult(value: string): string;
}

/**
 * Returns the fastest memory layout for an image with `channels` channels: blocked if the channels fill whole blocks, otherwise
 * channels-first.
 */
export const chooseImageLayout = ({ channelBlock }: LoweringContext, channels: number): Layout =>
  channelBlock !== undefined && channels % channelBlock === 0 ? 'blocked' : 'channelsFirst';

/**
 * Creates the per-channel arithmetic for the kernel input `name`, which is an image or a tensor of any other rank. The last axis of its
 * TensorFlow.js shape is the channel axis.
 */
export function createChannelOps(context: LoweringContext, name: string): ChannelOps {
  const { call, addNode, addIntegers, getImage, markLayout, getInput } = context;
  const { shape } = call.inputs[name]!;
  const channels = shape.at(-1)!;
  const sum = (value: string, axes: readonly number[]) =>
    addNode('ReduceSum', [value, addIntegers(axes)], { keepdims: 0 });
  const reshape = (value: string, size: readonly number[]) => addNode('Reshape', [value, addIntegers(size)]);
  const plus = (value: string, addend?: string) =>
    addend === undefined ? value : addNode('Add', [value, addend]);
  if (shape.length !== 4) {
    const axes = shape.slice(0, -1).map((_, axis) => axis);
    return {
      getValues: getInput,
      addAffine: (value, factor, shift, addend) => plus(plus(addNode('Mul', [value, factor]), shift), addend),
      addSum: (value) => sum(value, axes),
      markResult: (value) => value,
    };
  }
  const layout = chooseImageLayout(context, channels);
  const imageOps = {
    getValues: (inputName: string) => getImage(inputName, layout),
    markResult: (value: string) => markLayout(value, layout),
  };
  if (layout === 'channelsFirst') {
    const spread = (value: string) => reshape(value, [channels, 1, 1]);
    return {
      ...imageOps,
      addAffine: (value, factor, shift, addend) =>
        plus(plus(addNode('Mul', [value, spread(factor)]), shift && spread(shift)), addend),
      addSum: (value) => sum(value, [0, 2, 3]),
    };
  }
  const [, height, width] = shape as [number, number, number, number];
  const block = context.channelBlock!;
  const blockCount = channels / block;
  return {
    ...imageOps,
    // A depthwise 1x1 convolution reads the values only once. Separate element-wise nodes would read them several times.
    addAffine: (value, factor, shift, addend) =>
      addNode(
        `${BLOCKED_DOMAIN}:Conv`,
        [value, reshape(factor, [channels, 1, 1, 1]), shift ?? '', ...(addend === undefined ? [] : [addend])],
        { group: channels, kernel_shape: [1, 1] },
      ),
    // Summing over the height first adds whole rows at a time, which is five times as fast as summing block by block.
    addSum: (value) => {
      const rowSums = sum(reshape(value, [-1, height, width * block]), [1]);
      return reshape(sum(reshape(rowSums, [-1, blockCount, width, block]), [0, 2]), [channels]);
    },
  };
}
