import type { LoweringContext } from '../../lower/traceLowering.js';
import { chooseImageLayout, createChannelOps } from '../context/channelOps.js';
import { BLOCKED_DOMAIN, convertLayout, type Layout, NHWC_TO_NCHW } from '../context/layout.js';
import { toPair } from '../conv.js';
import type { OpLowering } from '../opRegistry.js';
import { addReluGradient, STEP_SLOPE } from './batchNorm.js';
import { lowerGeneralMaxPoolGradient } from './poolGradients.js';

type Pair = number | [number, number];

/** Gradient of max-pooling. */
export const lowerMaxPoolGradient: OpLowering = (mapping) =>
  hasBlockedTwoByTwoWindows(mapping)
    ? addTwoByTwoMaxPoolGradient(mapping, mapping.getImage('dy', 'blocked'))
    : lowerGeneralMaxPoolGradient(mapping);

/** See `fused`: `{ input, output, dy } -> [dx where input > 0, its sum for every channel]`. */
export const lowerPooledBiasReluGradient: OpLowering = (mapping) => {
  const channels = createChannelOps(mapping, 'dy');
  const masked = addReluGradient(mapping, channels.getValues('output'), channels.getValues('dy'));
  const layout = chooseImageLayout(mapping, mapping.call.inputs.dy!.shape[3]!);
  const dx = hasBlockedTwoByTwoWindows(mapping)
    ? addTwoByTwoMaxPoolGradient(mapping, masked)
    : (lowerGeneralMaxPoolGradient(replaceInput(mapping, 'dy', masked, layout)) as string);
  return [dx, channels.addSum(masked)];
};

/** Whether each window is two by two, next to the last one, all inside the image, and images are in blocks. */
function hasBlockedTwoByTwoWindows(mapping: LoweringContext): boolean {
  const { call, getAttribute } = mapping;
  const [, height, width, channels] = call.inputs.input!.shape as [number, number, number, number];
  const two = (value: Pair) => toPair(value).join() === '2,2';
  const inside = getAttribute<unknown>('pad') === 'valid' || (height % 2 === 0 && width % 2 === 0);
  return (
    two(getAttribute<Pair>('filterSize')) &&
    two(getAttribute<Pair>('strides')) &&
    inside &&
    chooseImageLayout(mapping, channels) === 'blocked'
  );
}

/**
 * The upper row gets `dy` where its largest value is not below the lower row's, and of each row the left value where it is
 * not below the right one: the first of the largest values, as in a search by rows. Three times as fast as `MaxPool` with
 * indices and `MaxUnpool`.
 */
function addTwoByTwoMaxPoolGradient(mapping: LoweringContext, dy: string): string {
  const { call, addNode, addIntegers, getImage, markLayout, channelBlock } = mapping;
  const [, height, width, channels] = call.inputs.input!.shape as [number, number, number, number];
  const [tall, wide] = [Math.floor(height / 2), Math.floor(width / 2)];
  const reshape = (value: string, shape: readonly number[]) =>
    addNode('Reshape', [value, addIntegers(shape)]);
  /** What of `value` belongs to the first, and the rest. */
  const shares = (value: string, isFirst: string) => {
    const own = addNode('Mul', [value, isFirst]);
    return [own, addNode('Sub', [value, own])];
  };
  const grown = (value: string, rows: number, columns: number) =>
    rows + columns === 0 ? value : addNode('Pad', [value, addIntegers([0, 0, 0, 0, 0, rows, columns, 0])]);
  const x = getImage('input', 'blocked');
  const largest = addNode(`${BLOCKED_DOMAIN}:MaxPool`, [x], { kernel_shape: [1, 2], strides: [1, 2] });
  const upper = reshape(addNotLessMask(mapping, largest, channels, [2, 1]), [
    -1,
    tall,
    1,
    wide * channelBlock!,
  ]);
  const byRow = addNode('Concat', shares(reshape(dy, [-1, tall, 1, wide * channelBlock!]), upper), {
    axis: 2,
  });
  const rows = grown(reshape(byRow, [-1, 2 * tall, wide, channelBlock!]), height - 2 * tall, 0);
  const left = reshape(addNotLessMask(mapping, x, channels, [1, 2]), [-1, height, wide, channelBlock!]);
  const byColumn = addNode('Concat', shares(rows, left), { axis: 3 });
  const dx = grown(reshape(byColumn, [-1, height, 2 * wide, channelBlock!]), 0, width - 2 * wide);
  return markLayout(reshape(dx, [-1, channels, height, width]), 'blocked');
}

/**
 * For every pair of values, of which `window` is the shape, 1 where the first is not below the second, else 0: their
 * difference as a depthwise convolution, which goes over the image once and gives its sign on the way.
 */
function addNotLessMask(
  { addNode, addFloats, channelBlock }: LoweringContext,
  image: string,
  channels: number,
  window: number[],
): string {
  const pair = [...Array<number>(channelBlock!).fill(1), ...Array<number>(channelBlock!).fill(-1)];
  const filter = Array.from({ length: channels / channelBlock! }, () => pair).flat();
  return addNode(`${BLOCKED_DOMAIN}:Conv`, [image, addFloats(filter, [channels, 1, ...window])], {
    group: channels,
    kernel_shape: window,
    strides: window,
    activation: 'HardSigmoid',
    activation_params: { floats: [STEP_SLOPE, 1] },
  });
}

/** The mapping with `value`, an image in `layout`, in the place of the input `name`. */
function replaceInput(
  mapping: LoweringContext,
  name: string,
  value: string,
  layout: Layout,
): LoweringContext {
  const channels = mapping.call.inputs[name]!.shape[3]!;
  const as = (wanted: Layout) => convertLayout(mapping, value, layout, wanted, channels);
  return {
    ...mapping,
    getInput: (own) => (own === name ? as('last') : mapping.getInput(own)),
    getImage: (own, wanted) => (own === name ? as(wanted) : mapping.getImage(own, wanted)),
    transposeInput: (own, order) => {
      if (own !== name) return mapping.transposeInput(own, order);
      if (order.join() === NHWC_TO_NCHW.join()) return as('first');
      return mapping.addNode('Transpose', [as('last')], { perm: order });
    },
  };
}
