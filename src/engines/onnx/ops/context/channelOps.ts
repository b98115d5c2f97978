import type { LoweringContext } from '../../lower/traceLowering.js';
import { BLOCKED_DOMAIN, type Layout } from './layout.js';

/** Arithmetic with one number a channel, in the layout that suits the values. */
export interface ChannelOps {
  /** The values of an input. */
  getValues(name: string): string;
  /** `value · factor + shift + added`, as far as given, where `factor` and `shift` are `[channels]`. */
  addAffine(value: string, factor: string, shift?: string, added?: string): string;
  /** The sum over everything but the channels, `[channels]`. */
  addSum(value: string): string;
  /** `value` as a result of the operation. */
  markResult(value: string): string;
}

/** The layout in which an image of so many channels is worked on. */
export const chooseImageLayout = ({ channelBlock }: LoweringContext, channels: number): Layout =>
  channelBlock !== undefined && channels % channelBlock === 0 ? 'blocked' : 'first';

/** For the values of input `name`, channels last in TensorFlow.js: images, or rows of any rank. */
export function createChannelOps(mapping: LoweringContext, name: string): ChannelOps {
  const { call, addNode, addIntegers, getImage, markLayout, getInput } = mapping;
  const { shape } = call.inputs[name]!;
  const channels = shape.at(-1)!;
  const sum = (value: string, axes: readonly number[]) =>
    addNode('ReduceSum', [value, addIntegers(axes)], { keepdims: 0 });
  const reshape = (value: string, size: readonly number[]) => addNode('Reshape', [value, addIntegers(size)]);
  const plus = (value: string, added?: string) =>
    added === undefined ? value : addNode('Add', [value, added]);
  if (shape.length !== 4) {
    const axes = shape.slice(0, -1).map((_, axis) => axis);
    return {
      getValues: getInput,
      addAffine: (value, factor, shift, added) => plus(plus(addNode('Mul', [value, factor]), shift), added),
      addSum: (value) => sum(value, axes),
      markResult: (value) => value,
    };
  }
  const layout = chooseImageLayout(mapping, channels);
  const images = {
    getValues: (own: string) => getImage(own, layout),
    markResult: (value: string) => markLayout(value, layout),
  };
  if (layout === 'first') {
    const spread = (value: string) => reshape(value, [channels, 1, 1]);
    return {
      ...images,
      addAffine: (value, factor, shift, added) =>
        plus(plus(addNode('Mul', [value, spread(factor)]), shift && spread(shift)), added),
      addSum: (value) => sum(value, [0, 2, 3]),
    };
  }
  const [, height, width] = shape as [number, number, number, number];
  const block = mapping.channelBlock!;
  const blocks = channels / block;
  return {
    ...images,
    // A depthwise convolution by 1x1 goes over the values once.
    addAffine: (value, factor, shift, added) =>
      addNode(
        `${BLOCKED_DOMAIN}:Conv`,
        [value, reshape(factor, [channels, 1, 1, 1]), shift ?? '', ...(added === undefined ? [] : [added])],
        { group: channels, kernel_shape: [1, 1] },
      ),
    // Down the rows first: there whole rows are added, which is five times as fast as by the block.
    addSum: (value) => {
      const rows = sum(reshape(value, [-1, height, width * block]), [1]);
      return reshape(sum(reshape(rows, [-1, blocks, width, block]), [0, 2]), [channels]);
    },
  };
}
