import { channelsOf, layoutOf } from './channels.js';
import { open, STEEP } from './gradients.js';
import type { Mapping } from './graph.js';
import { pair } from './images.js';
import { BLOCKED, type Layout, relaid, TO_ONNX } from './layout.js';
import type { Operation } from './operations.js';
import { anyMaxPoolGradient } from './poolGradients.js';

type Pair = number | [number, number];

/** Gradient of max-pooling. */
export const unpooled: Operation = (mapping) =>
  halves(mapping) ? unpoolHalves(mapping, mapping.image('dy', 'blocked')) : anyMaxPoolGradient(mapping);

/** See `fused`: `{ input, output, dy } -> [dx where input > 0, its sum for every channel]`. */
export const pooledBiasReluGradient: Operation = (mapping) => {
  const channels = channelsOf(mapping, 'dy');
  const masked = open(mapping, channels.of('output'), channels.of('dy'));
  const layout = layoutOf(mapping, mapping.call.inputs.dy!.shape[3]!);
  const dx = halves(mapping)
    ? unpoolHalves(mapping, masked)
    : (anyMaxPoolGradient(instead(mapping, 'dy', masked, layout)) as string);
  return [dx, channels.sum(masked)];
};

/** Whether each window is two by two, next to the last one, all inside the image, and images are in blocks. */
function halves(mapping: Mapping): boolean {
  const { call, attribute } = mapping;
  const [, height, width, channels] = call.inputs.input!.shape as [number, number, number, number];
  const two = (value: Pair) => pair(value).join() === '2,2';
  const inside = attribute<unknown>('pad') === 'valid' || (height % 2 === 0 && width % 2 === 0);
  return (
    two(attribute<Pair>('filterSize')) &&
    two(attribute<Pair>('strides')) &&
    inside &&
    layoutOf(mapping, channels) === 'blocked'
  );
}

/**
 * The upper row gets `dy` where its largest value is not below the lower row's, and of each row the left value where it is
 * not below the right one: the first of the largest values, as in a search by rows. Three times as fast as `MaxPool` with
 * indices and `MaxUnpool`.
 */
function unpoolHalves(mapping: Mapping, dy: string): string {
  const { call, node, integers, image, laid, block } = mapping;
  const [, height, width, channels] = call.inputs.input!.shape as [number, number, number, number];
  const [tall, wide] = [Math.floor(height / 2), Math.floor(width / 2)];
  const reshape = (value: string, shape: readonly number[]) => node('Reshape', [value, integers(shape)]);
  /** What of `value` belongs to the first, and the rest. */
  const shares = (value: string, isFirst: string) => {
    const own = node('Mul', [value, isFirst]);
    return [own, node('Sub', [value, own])];
  };
  const grown = (value: string, rows: number, columns: number) =>
    rows + columns === 0 ? value : node('Pad', [value, integers([0, 0, 0, 0, 0, rows, columns, 0])]);
  const x = image('input', 'blocked');
  const largest = node(`${BLOCKED}:MaxPool`, [x], { kernel_shape: [1, 2], strides: [1, 2] });
  const upper = reshape(notBelow(mapping, largest, channels, [2, 1]), [-1, tall, 1, wide * block!]);
  const byRow = node('Concat', shares(reshape(dy, [-1, tall, 1, wide * block!]), upper), { axis: 2 });
  const rows = grown(reshape(byRow, [-1, 2 * tall, wide, block!]), height - 2 * tall, 0);
  const left = reshape(notBelow(mapping, x, channels, [1, 2]), [-1, height, wide, block!]);
  const byColumn = node('Concat', shares(rows, left), { axis: 3 });
  const dx = grown(reshape(byColumn, [-1, height, 2 * wide, block!]), 0, width - 2 * wide);
  return laid(reshape(dx, [-1, channels, height, width]), 'blocked');
}

/**
 * For every pair of values, of which `window` is the shape, 1 where the first is not below the second, else 0: their
 * difference as a depthwise convolution, which goes over the image once and gives its sign on the way.
 */
function notBelow(
  { node, floats, block }: Mapping,
  image: string,
  channels: number,
  window: number[],
): string {
  const pair = [...Array<number>(block!).fill(1), ...Array<number>(block!).fill(-1)];
  const filter = Array.from({ length: channels / block! }, () => pair).flat();
  return node(`${BLOCKED}:Conv`, [image, floats(filter, [channels, 1, ...window])], {
    group: channels,
    kernel_shape: window,
    strides: window,
    activation: 'HardSigmoid',
    activation_params: { floats: [STEEP, 1] },
  });
}

/** The mapping with `value`, an image in `layout`, in the place of the input `name`. */
function instead(mapping: Mapping, name: string, value: string, layout: Layout): Mapping {
  const channels = mapping.call.inputs[name]!.shape[3]!;
  const as = (wanted: Layout) => relaid(mapping, value, layout, wanted, channels);
  return {
    ...mapping,
    input: (own) => (own === name ? as('last') : mapping.input(own)),
    image: (own, wanted) => (own === name ? as(wanted) : mapping.image(own, wanted)),
    transposed: (own, order) => {
      if (own !== name) return mapping.transposed(own, order);
      if (order.join() === TO_ONNX.join()) return as('first');
      return mapping.node('Transpose', [as('last')], { perm: order });
    },
  };
}
