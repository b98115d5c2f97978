import { tf } from '../../../tensor/tf.js';
import { addPixelCrop, addPixelPads } from './context/blockedPixels.js';
import type { AttributeGetter, LoweringContext, OpLowering, OpTable } from './context/loweringContext.js';
import { SLICE_TO_START } from './context/shapeConstants.js';
import type { Shape4D } from './context/windowGeometry.js';

const lowerSlice: OpLowering = (context) => {
  const { addNode, getInput, addIntegers, getAttribute, call } = context;
  const { shape } = call.inputs.x!;
  const begin = [getAttribute<number | readonly number[]>('begin')].flat() as number[];
  const size = call.outputs[0]!.shape;
  // Axes that are not sliced are omitted from the node, so that the batch can have any size.
  const axes = shape.flatMap((inputSize, axis) => (size[axis] === inputSize ? [] : [axis]));
  if (axes.length === 0) return getInput('x');
  const image = axes.every(isSpatialAxis) ? context.findImage('x', 'blocked') : undefined;
  if (image !== undefined) return addBlockedCrop(context, image, begin);
  const starts = axes.map((axis) => begin[axis] ?? 0);
  const ends = axes.map((axis, i) => starts[i]! + size[axis]!);
  return addNode('Slice', [getInput('x'), addIntegers(starts), addIntegers(ends), addIntegers(axes)]);
};

/** Returns whether an axis of images is the height or the width. */
const isSpatialAxis = (axis: number): boolean => axis === 1 || axis === 2;

/** Adds a slice of images in blocked layout, which does not cut channels or images. */
function addBlockedCrop(context: LoweringContext, image: string, [, top, left]: readonly number[]): string {
  const [, height, width, channels] = context.call.inputs.x!.shape as Shape4D;
  const [, cropHeight, cropWidth] = context.call.outputs[0]!.shape as Shape4D;
  const start = [top ?? 0, left ?? 0] as const;
  const crop = addPixelCrop(context, image, [height, width], channels, start, [cropHeight, cropWidth]);
  return context.markLayout(crop, 'blocked');
}

/** Pads images in blocked layout with zeros. */
function addBlockedPads(
  context: LoweringContext,
  image: string,
  paddings: readonly (readonly [before: number, after: number])[],
): string {
  const [[top, bottom], [left, right]] = [paddings[1]!, paddings[2]!];
  const [, height, width, channels] = context.call.inputs.x!.shape as Shape4D;
  const margins = [top, left, bottom, right] as const;
  return context.markLayout(addPixelPads(context, image, [height, width], channels, margins, 0), 'blocked');
}

/** Lowers slices with strides and masks, which follow the slicing rules of NumPy. */
const lowerStridedSlice: OpLowering = ({
  addNode,
  getInput,
  addIntegers,
  getAttribute,
  call,
  addOutputShape,
}) => {
  const { shape } = call.inputs.x!;
  const getList = (name: string) => getAttribute<number[]>(name);
  const getMask = (name: string) => getAttribute<number | undefined>(`${name}Mask`) ?? 0;
  const info = tf.slice_util.sliceInfo(
    [...shape],
    getList('begin'),
    getList('end'),
    getList('strides'),
    getMask('begin'),
    getMask('end'),
    getMask('ellipsis'),
    getMask('newAxis'),
    getMask('shrinkAxis'),
  );
  const { begin, end, strides } = info;
  const axes = shape.flatMap((size, axis) =>
    begin[axis] === 0 && end[axis] === size && strides[axis] === 1 ? [] : [axis],
  );
  if (axes.length === 0) return addNode('Reshape', [getInput('x'), addOutputShape()]);
  const ends = axes.map((axis) => (end[axis]! < 0 ? SLICE_TO_START : end[axis]!));
  const slice = addNode('Slice', [
    getInput('x'),
    addIntegers(axes.map((axis) => begin[axis]!)),
    addIntegers(ends),
    addIntegers(axes),
    addIntegers(axes.map((axis) => strides[axis]!)),
  ]);
  return addNode('Reshape', [slice, addOutputShape()]);
};

const createReverseLowering =
  (getAxes: (getAttribute: AttributeGetter, rank: number) => readonly number[]): OpLowering =>
  ({ addNode, getInput, addIntegers, getAttribute, call }) => {
    const name = Object.keys(call.inputs)[0]!;
    const axes = getAxes(getAttribute, call.inputs[name]!.shape.length);
    if (axes.length === 0) return getInput(name);
    const forEachAxis = (value: number) => addIntegers(axes.map(() => value));
    return addNode('Slice', [
      getInput(name),
      forEachAxis(-1),
      forEachAxis(SLICE_TO_START),
      addIntegers(axes),
      forEachAxis(-1),
    ]);
  };

const lowerPad: OpLowering = (context) => {
  const { addNode, getInput, addIntegers, addFloats, getAttribute } = context;
  const paddings = getAttribute<readonly (readonly [number, number])[]>('paddings');
  const isSpatial = paddings.every((padding, axis) => isSpatialAxis(axis) || Math.max(...padding) === 0);
  const image = isSpatial && paddings.length === 4 ? context.findImage('x', 'blocked') : undefined;
  // The elements of additional channels must remain zero.
  if (image !== undefined && !getAttribute<number | undefined>('constantValue')) {
    return addBlockedPads(context, image, paddings);
  }
  const pads = addIntegers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  return addNode('Pad', [getInput('x'), pads, addFloats([getAttribute<number>('constantValue') ?? 0])]);
};

/** Lowers padding with a mirrored border. The `symmetric` mode repeats the pixels at the edge, and the `reflect` mode does not. */
const lowerMirrorPad: OpLowering = ({ addNode, getInput, addIntegers, getAttribute }) => {
  const skip = getAttribute<string>('mode') === 'reflect' ? 1 : 0;
  return getAttribute<readonly (readonly [number, number])[]>('paddings').reduce(
    (value, [before, after], axis) => {
      const sliceReversed = (start: number, end: number) =>
        addNode('Slice', [
          value,
          addIntegers([start]),
          addIntegers([end]),
          addIntegers([axis]),
          addIntegers([-1]),
        ]);
      const parts = [
        ...(before > 0 ? [sliceReversed(before - 1 + skip, skip === 1 ? 0 : SLICE_TO_START)] : []),
        value,
        ...(after > 0 ? [sliceReversed(-1 - skip, -1 - skip - after)] : []),
      ];
      return parts.length === 1 ? value : addNode('Concat', parts, { axis });
    },
    getInput('x'),
  );
};

/** Lowerings of the kernels that slice, reverse or pad tensors. */
export const sliceOps: OpTable = {
  Slice: lowerSlice,
  StridedSlice: lowerStridedSlice,
  Reverse: createReverseLowering((getAttribute, rank) =>
    ([getAttribute<number | readonly number[]>('dims')].flat() as number[]).map(
      (axis) => (axis + rank) % rank,
    ),
  ),
  FlipLeftRight: createReverseLowering(() => [2]),
  PadV2: lowerPad,
  MirrorPad: lowerMirrorPad,
};
