import { tf } from '../../../tensor/tf.js';
import type { OpLowering, OpTable } from './opRegistry.js';

/** For a Slice that goes backwards: beyond the first place, which no other number says. */
export const SLICE_TO_START = -(2 ** 31);

const lowerSlice: OpLowering = ({ addNode, getInput, addIntegers, getAttribute, call }) => {
  const { shape } = call.inputs.x!;
  const begin = [getAttribute<number | readonly number[]>('begin')].flat() as number[];
  const size = call.outputs[0]!.shape;
  // An axis taken whole ends beyond any size, so that the batch stays free.
  const axes = shape.flatMap((whole, axis) => (size[axis] === whole ? [] : [axis]));
  if (axes.length === 0) return getInput('x');
  const from = axes.map((axis) => begin[axis] ?? 0);
  const to = axes.map((axis, i) => from[i]! + size[axis]!);
  return addNode('Slice', [getInput('x'), addIntegers(from), addIntegers(to), addIntegers(axes)]);
};

/** As NumPy slices, with its masks. */
const lowerStridedSlice: OpLowering = ({
  addNode,
  getInput,
  addIntegers,
  getAttribute,
  call,
  addOutputShape,
}) => {
  const { shape } = call.inputs.x!;
  const list = (name: string) => getAttribute<number[]>(name);
  const mask = (name: string) => getAttribute<number | undefined>(`${name}Mask`) ?? 0;
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
  if (axes.length === 0) return addNode('Reshape', [getInput('x'), addOutputShape()]);
  const to = axes.map((axis) => (end[axis]! < 0 ? SLICE_TO_START : end[axis]!));
  const part = addNode('Slice', [
    getInput('x'),
    addIntegers(axes.map((axis) => begin[axis]!)),
    addIntegers(to),
    addIntegers(axes),
    addIntegers(axes.map((axis) => strides[axis]!)),
  ]);
  return addNode('Reshape', [part, addOutputShape()]);
};

const createReverseLowering =
  (axesOf: (attribute: <V>(name: string) => V, rank: number) => readonly number[]): OpLowering =>
  ({ addNode, getInput, addIntegers, getAttribute, call }) => {
    const name = Object.keys(call.inputs)[0]!;
    const axes = axesOf(getAttribute, call.inputs[name]!.shape.length);
    if (axes.length === 0) return getInput(name);
    const each = (value: number) => addIntegers(axes.map(() => value));
    return addNode('Slice', [getInput(name), each(-1), each(SLICE_TO_START), addIntegers(axes), each(-1)]);
  };

const lowerPad: OpLowering = ({ addNode, getInput, addIntegers, addFloats, getAttribute }) => {
  const paddings = getAttribute<readonly (readonly [number, number])[]>('paddings');
  const pads = addIntegers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  return addNode('Pad', [getInput('x'), pads, addFloats([getAttribute<number>('constantValue') ?? 0])]);
};

/** The border mirrored outwards, with its own pixels (`symmetric`) or without (`reflect`). */
const lowerMirrorPad: OpLowering = ({ addNode, getInput, addIntegers, getAttribute }) => {
  const skip = getAttribute<string>('mode') === 'reflect' ? 1 : 0;
  return getAttribute<readonly (readonly [number, number])[]>('paddings').reduce(
    (value, [before, after], axis) => {
      const part = (from: number, to: number) =>
        addNode('Slice', [
          value,
          addIntegers([from]),
          addIntegers([to]),
          addIntegers([axis]),
          addIntegers([-1]),
        ]);
      const parts = [
        ...(before > 0 ? [part(before - 1 + skip, skip === 1 ? 0 : SLICE_TO_START)] : []),
        value,
        ...(after > 0 ? [part(-1 - skip, -1 - skip - after)] : []),
      ];
      return parts.length === 1 ? value : addNode('Concat', parts, { axis });
    },
    getInput('x'),
  );
};

/** Kernels that take a part, or put something around the whole. */
export const sliceOps: OpTable = {
  Slice: lowerSlice,
  StridedSlice: lowerStridedSlice,
  Reverse: createReverseLowering((attribute, rank) =>
    ([attribute<number | readonly number[]>('dims')].flat() as number[]).map((axis) => (axis + rank) % rank),
  ),
  FlipLeftRight: createReverseLowering(() => [2]),
  PadV2: lowerPad,
  MirrorPad: lowerMirrorPad,
};
