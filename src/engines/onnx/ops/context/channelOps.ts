import { addBatchSum } from './batchSum.js';
import { addImageDot } from './imageChannels.js';
import { BLOCKED_DOMAIN, fitsBlocks, type Layout, padChannels } from './layout.js';
import type { LoweringContext } from './loweringContext.js';
import type { Shape4D } from './windowGeometry.js';

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
  /** Adds nodes that sum the products of the elements of two values over all axes except the channels. */
  addDot(value: string, other: string): string;
  /** Marks `value`, a future kernel output, as stored in the memory layout that this object's methods use. Returns `value`. */
  markResult(value: string): string;
}

/**
 * Returns the fastest memory layout for an image with `channels` channels: blocked if the channels fill whole blocks, or nearly, otherwise
 * channels-first.
 */
export const chooseImageLayout = ({ channelBlock }: LoweringContext, channels: number): Layout =>
  channelBlock !== undefined && fitsBlocks(channels, channelBlock) ? 'blocked' : 'channelsFirst';

/** Adds a node that appends zeros to a value with one element per channel, one for each additional channel of an image in blocks. */
export function addPaddedVector(
  { addNode, addIntegers, channelBlock }: LoweringContext,
  value: string,
  channels: number,
): string {
  const padding = padChannels(channels, channelBlock!) - channels;
  return padding === 0 ? value : addNode('Pad', [value, addIntegers([0, padding])]);
}

/** Adds a node that removes the elements of the additional channels from a value with one element per channel of an image in blocks. */
export function addUnpaddedVector(
  { addNode, addIntegers, channelBlock }: LoweringContext,
  value: string,
  channels: number,
): string {
  if (channels === padChannels(channels, channelBlock!)) return value;
  return addNode('Slice', [value, addIntegers([0]), addIntegers([channels])]);
}

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
      addDot: (value, other) => sum(addNode('Mul', [value, other]), axes),
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
      addDot: (value, other) => sum(addNode('Mul', [value, other]), [0, 2, 3]),
    };
  }
  const [, height, width] = shape as Shape4D;
  const paddedChannels = padChannels(channels, context.channelBlock!);
  const pad = (value: string) => addPaddedVector(context, value, channels);
  const batchSize = context.countExamples(name);
  // The sums of each image are an array [batch, channels].
  const sumImages = (imageSums: string, factor = 1) =>
    addUnpaddedVector(context, addBatchSum(context, imageSums, batchSize, factor), channels);
  const addSum = (value: string) =>
    sumImages(addNode(`${BLOCKED_DOMAIN}:GlobalAveragePool`, [value]), height * width);
  return {
    ...imageOps,
    // A depthwise 1x1 convolution reads the values only once. Separate element-wise nodes would read them several times.
    addAffine: (value, factor, shift, addend) =>
      addNode(
        `${BLOCKED_DOMAIN}:Conv`,
        [
          value,
          reshape(pad(factor), [paddedChannels, 1, 1, 1]),
          shift === undefined ? '' : pad(shift),
          ...(addend === undefined ? [] : [addend]),
        ],
        { group: paddedChannels, kernel_shape: [1, 1] },
      ),
    addSum,
    addDot: (value, other) =>
      batchSize === undefined
        ? addSum(addNode('Mul', [value, other]))
        : sumImages(addImageDot(context, value, other, [batchSize, height, width, channels])),
  };
}
