import { tf } from '../../tensor/tf.js';
import type { Attribute } from './format.js';
import type { Operation, Operations } from './operations.js';

/** In the shape of a Reshape: the size that this axis has already. */
const SAME = 0;
/** In the shape of a Reshape: what is left. */
const REST = -1;

/** Numbers that are their input in another shape. */
const reshaped =
  (name: string): Operation =>
  ({ node, input, outputShape }) =>
    node('Reshape', [input(name), outputShape()]);

const joined: Operation = ({ node, input, attribute, call }) =>
  node(
    'Concat',
    Object.keys(call.inputs).map((name) => input(name)),
    { axis: attribute<number>('axis') },
  );

const packed: Operation = ({ node, input, integers, attribute, call }) => {
  const axis = integers([attribute<number>('axis')]);
  const parts = Object.keys(call.inputs).map((name) => node('Unsqueeze', [input(name), axis]));
  return node('Concat', parts, { axis: attribute<number>('axis') });
};

const unpacked: Operation = ({ node, nodes, input, integers, attribute, call }) => {
  const axis = attribute<number>('axis');
  const { length } = call.outputs;
  const parts = nodes('Split', [input('value'), integers(Array(length).fill(1))], { axis }, length);
  return parts.map((part) => node('Squeeze', [part, integers([axis])]));
};

const split: Operation = ({ nodes, input, integers, attribute, call }) => {
  const rank = call.inputs.x!.shape.length;
  const axis = (attribute<number>('axis') + rank) % rank;
  const sizes = call.outputs.map(({ shape }) => shape[axis]!);
  return nodes('Split', [input('x'), integers(sizes)], { axis }, sizes.length);
};

/** Blocks of `blockShape` pixels, each pixel of a block to an image of its own. */
const spaceToBatch: Operation = ({ node, input, integers, floats, attribute, call }) => {
  const { shape } = call.inputs.x!;
  const block = attribute<number[]>('blockShape');
  const paddings = attribute<[number, number][]>('paddings');
  const rest = shape.slice(1 + block.length).map(() => [0, 0] as const);
  const all = [[0, 0] as const, ...paddings, ...rest];
  const pads = integers([...all.map(([before]) => before), ...all.map(([, after]) => after)]);
  const padded = all.map(([before, after], axis) => before + shape[axis]! + after);
  const area = block.reduce((product, side) => product * side, 1);
  const parts = tf.backend_util.getReshaped(padded, block, area, false);
  const result = tf.backend_util.getReshapedPermuted(padded, block, area, false);
  const x = node('Pad', [input('x'), pads, floats([0])]);
  const apart = node('Reshape', [x, integers([SAME, ...parts.slice(1)])]);
  const perm = tf.backend_util.getPermuted(parts.length, block.length, false);
  return node('Reshape', [node('Transpose', [apart], { perm }), integers([REST, ...result.slice(1)])]);
};

/** The way back, cut by `crops`. */
const batchToSpace: Operation = ({ node, input, integers, attribute, call }) => {
  const shape = [...call.inputs.x!.shape];
  const block = attribute<number[]>('blockShape');
  const crops = attribute<[number, number][]>('crops');
  const area = block.reduce((product, side) => product * side, 1);
  const parts = tf.backend_util.getReshaped(shape, block, area);
  const whole = tf.backend_util.getReshapedPermuted(shape, block, area);
  const apart = parts.map((size, axis) => (axis === block.length ? REST : size));
  const perm = tf.backend_util.getPermuted(parts.length, block.length);
  const turned = node('Transpose', [node('Reshape', [input('x'), integers(apart)])], { perm });
  const joint = node('Reshape', [turned, integers([REST, ...whole.slice(1)])]);
  const from = crops.map(([before]) => before);
  const to = crops.map(([, after], i) => whole[i + 1]! - after);
  return node('Slice', [joint, integers(from), integers(to), integers(crops.map((_, i) => i + 1))]);
};

const depthToSpace: Operation = ({ node, input, integers, attribute, call }) => {
  const [, height, width] = call.inputs.x!.shape as [number, number, number, number];
  const [, tall, wide, channels] = call.outputs[0]!.shape as [number, number, number, number];
  const side = attribute<number>('blockSize');
  const apart = node('Reshape', [input('x'), integers([SAME, height, width, side, side, channels])]);
  const turned = node('Transpose', [apart], { perm: [0, 1, 3, 2, 4, 5] });
  return node('Reshape', [turned, integers([SAME, tall, wide, channels])]);
};

const filled: Operation = ({ node, integers, floats, attribute, call }) =>
  node('Expand', [floats([attribute<number>('value')]), integers(call.outputs[0]!.shape)]);

/** `count` numbers from `start`, `step` apart. */
const counted =
  (step: (attribute: <V>(name: string) => V) => number): Operation =>
  ({ floats, attribute, call }) => {
    const [start, by] = [attribute<number>('start'), step(attribute)];
    const [size] = call.outputs[0]!.shape as [number];
    return floats(
      Array.from({ length: size }, (_, i) => start + i * by),
      [size],
    );
  };

/** Kernels that move numbers, or make them from none. */
export const shapes: Operations = {
  Reshape: reshaped('x'),
  ExpandDims: reshaped('input'),
  Transpose: ({ node, input, attribute }) =>
    node('Transpose', [input('x')], { perm: attribute<Attribute>('perm') }),
  Concat: joined,
  Pack: packed,
  Unpack: unpacked,
  SplitV: split,
  Tile: ({ node, input, integers, attribute }) =>
    node('Tile', [input('x'), integers(attribute<readonly number[]>('reps'))]),
  SpaceToBatchND: spaceToBatch,
  BatchToSpaceND: batchToSpace,
  DepthToSpace: depthToSpace,
  Fill: filled,
  ZerosLike: ({ node, input }) => node('ConstantOfShape', [node('Shape', [input('x')])]),
  OnesLike: ({ node, input, floats }) => node('Expand', [floats([1]), node('Shape', [input('x')])]),
  Range: counted((attribute) => attribute<number>('step')),
  LinSpace: counted(
    (attribute) =>
      (attribute<number>('stop') - attribute<number>('start')) / Math.max(1, attribute<number>('num') - 1),
  ),
};
