import { tf } from '../../tensor/tf.js';
import type { Operation, Operations } from './operations.js';

/** For a Slice that goes backwards: beyond the first place, which no other number says. */
export const BEFORE_FIRST = -(2 ** 31);

const sliced: Operation = ({ node, input, integers, attribute, call }) => {
  const { shape } = call.inputs.x!;
  const begin = [attribute<number | readonly number[]>('begin')].flat() as number[];
  const size = call.outputs[0]!.shape;
  // An axis taken whole ends beyond any size, so that the batch stays free.
  const axes = shape.flatMap((whole, axis) => (size[axis] === whole ? [] : [axis]));
  if (axes.length === 0) return input('x');
  const from = axes.map((axis) => begin[axis] ?? 0);
  const to = axes.map((axis, i) => from[i]! + size[axis]!);
  return node('Slice', [input('x'), integers(from), integers(to), integers(axes)]);
};

/** As NumPy slices, with its masks. */
const strided: Operation = ({ node, input, integers, attribute, call, outputShape }) => {
  const { shape } = call.inputs.x!;
  const list = (name: string) => attribute<number[]>(name);
  const mask = (name: string) => attribute<number | undefined>(`${name}Mask`) ?? 0;
  const info = tf.slice_util.sliceInfo(
    [...shape],
    list('begin'),
    list('end'),
    list('strides'),
    mask('begin'),
    mask('end'),
    mask('ellipsis'),
    mask('newAxis'),
    mask('shrinkAxis'),
  );
  const { begin, end, strides } = info;
  const axes = shape.flatMap((size, axis) =>
    begin[axis] === 0 && end[axis] === size && strides[axis] === 1 ? [] : [axis],
  );
  if (axes.length === 0) return node('Reshape', [input('x'), outputShape()]);
  const to = axes.map((axis) => (end[axis]! < 0 ? BEFORE_FIRST : end[axis]!));
  const part = node('Slice', [
    input('x'),
    integers(axes.map((axis) => begin[axis]!)),
    integers(to),
    integers(axes),
    integers(axes.map((axis) => strides[axis]!)),
  ]);
  return node('Reshape', [part, outputShape()]);
};

const backwards =
  (axesOf: (attribute: <V>(name: string) => V, rank: number) => readonly number[]): Operation =>
  ({ node, input, integers, attribute, call }) => {
    const name = Object.keys(call.inputs)[0]!;
    const axes = axesOf(attribute, call.inputs[name]!.shape.length);
    if (axes.length === 0) return input(name);
    const each = (value: number) => integers(axes.map(() => value));
    return node('Slice', [input(name), each(-1), each(BEFORE_FIRST), integers(axes), each(-1)]);
  };

const padded: Operation = ({ node, input, integers, floats, attribute }) => {
  const paddings = attribute<readonly (readonly [number, number])[]>('paddings');
  const pads = integers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  return node('Pad', [input('x'), pads, floats([attribute<number>('constantValue') ?? 0])]);
};

/** The border mirrored outwards, with its own pixels (`symmetric`) or without (`reflect`). */
const mirrored: Operation = ({ node, input, integers, attribute }) => {
  const skip = attribute<string>('mode') === 'reflect' ? 1 : 0;
  return attribute<readonly (readonly [number, number])[]>('paddings').reduce(
    (value, [before, after], axis) => {
      const part = (from: number, to: number) =>
        node('Slice', [value, integers([from]), integers([to]), integers([axis]), integers([-1])]);
      const parts = [
        ...(before > 0 ? [part(before - 1 + skip, skip === 1 ? 0 : BEFORE_FIRST)] : []),
        value,
        ...(after > 0 ? [part(-1 - skip, -1 - skip - after)] : []),
      ];
      return parts.length === 1 ? value : node('Concat', parts, { axis });
    },
    input('x'),
  );
};

/** Kernels that take a part, or put something around the whole. */
export const slices: Operations = {
  Slice: sliced,
  StridedSlice: strided,
  Reverse: backwards((attribute, rank) =>
    ([attribute<number | readonly number[]>('dims')].flat() as number[]).map((axis) => (axis + rank) % rank),
  ),
  FlipLeftRight: backwards(() => [2]),
  PadV2: padded,
  MirrorPad: mirrored,
};
