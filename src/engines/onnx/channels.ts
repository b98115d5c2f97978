import type { Mapping } from './graph.js';
import { BLOCKED, type Layout } from './layout.js';

/** Arithmetic with one number a channel, in the layout that suits the values. */
export interface Channels {
  /** The values of an input. */
  of(name: string): string;
  /** `value · factor + shift + added`, as far as given, where `factor` and `shift` are `[channels]`. */
  affine(value: string, factor: string, shift?: string, added?: string): string;
  /** The sum over everything but the channels, `[channels]`. */
  sum(value: string): string;
  /** `value` as a result of the operation. */
  done(value: string): string;
}

/** The layout in which an image of so many channels is worked on. */
export const layoutOf = ({ block }: Mapping, channels: number): Layout =>
  block !== undefined && channels % block === 0 ? 'blocked' : 'first';

/** For the values of input `name`, channels last in TensorFlow.js: images, or rows of any rank. */
export function channelsOf(mapping: Mapping, name: string): Channels {
  const { call, node, integers, image, laid, input } = mapping;
  const { shape } = call.inputs[name]!;
  const channels = shape.at(-1)!;
  const sum = (value: string, axes: readonly number[]) =>
    node('ReduceSum', [value, integers(axes)], { keepdims: 0 });
  const reshape = (value: string, size: readonly number[]) => node('Reshape', [value, integers(size)]);
  const plus = (value: string, added?: string) => (added === undefined ? value : node('Add', [value, added]));
  if (shape.length !== 4) {
    const axes = shape.slice(0, -1).map((_, axis) => axis);
    return {
      of: input,
      affine: (value, factor, shift, added) => plus(plus(node('Mul', [value, factor]), shift), added),
      sum: (value) => sum(value, axes),
      done: (value) => value,
    };
  }
  const layout = layoutOf(mapping, channels);
  const images = { of: (own: string) => image(own, layout), done: (value: string) => laid(value, layout) };
  if (layout === 'first') {
    const spread = (value: string) => reshape(value, [channels, 1, 1]);
    return {
      ...images,
      affine: (value, factor, shift, added) =>
        plus(plus(node('Mul', [value, spread(factor)]), shift && spread(shift)), added),
      sum: (value) => sum(value, [0, 2, 3]),
    };
  }
  const [, height, width] = shape as [number, number, number, number];
  const block = mapping.block!;
  const blocks = channels / block;
  return {
    ...images,
    // A depthwise convolution by 1x1 goes over the values once.
    affine: (value, factor, shift, added) =>
      node(
        `${BLOCKED}:Conv`,
        [value, reshape(factor, [channels, 1, 1, 1]), shift ?? '', ...(added === undefined ? [] : [added])],
        { group: channels, kernel_shape: [1, 1] },
      ),
    // Down the rows first: there whole rows are added, which is five times as fast as by the block.
    sum: (value) => {
      const rows = sum(reshape(value, [-1, height, width * block]), [1]);
      return reshape(sum(reshape(rows, [-1, blocks, width, block]), [0, 2]), [channels]);
    },
  };
}
