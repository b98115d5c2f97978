import { countElements } from '../../../core/arrays.js';
import type { AttributeValue } from '../../../formats/onnxModel.js';
import { tf } from '../../../tensor/tf.js';
import type { AttributeGetter, OpLowering, OpTable } from './context/loweringContext.js';
import { INFER_SIZE, KEEP_SIZE } from './context/shapeConstants.js';

/** Creates the lowering of a kernel that only changes the shape of its input `name`. */
const createReshapeLowering =
  (name: string): OpLowering =>
  ({ addNode, getInput, addOutputShape }) =>
    addNode('Reshape', [getInput(name), addOutputShape()]);

const lowerConcat: OpLowering = ({ addNode, getInput, getAttribute, call }) =>
  addNode(
    'Concat',
    Object.keys(call.inputs).map((name) => getInput(name)),
    { axis: getAttribute<number>('axis') },
  );

const lowerPack: OpLowering = ({ addNode, getInput, addIntegers, getAttribute, call }) => {
  const axis = addIntegers([getAttribute<number>('axis')]);
  const parts = Object.keys(call.inputs).map((name) => addNode('Unsqueeze', [getInput(name), axis]));
  return addNode('Concat', parts, { axis: getAttribute<number>('axis') });
};

const lowerUnpack: OpLowering = ({
  addNode,
  addMultiOutputNode,
  getInput,
  addIntegers,
  getAttribute,
  call,
}) => {
  const axis = getAttribute<number>('axis');
  const { length } = call.outputs;
  const parts = addMultiOutputNode(
    'Split',
    [getInput('value'), addIntegers(Array(length).fill(1))],
    { axis },
    length,
  );
  return parts.map((part) => addNode('Squeeze', [part, addIntegers([axis])]));
};

const lowerSplit: OpLowering = ({ addMultiOutputNode, getInput, addIntegers, getAttribute, call }) => {
  const rank = call.inputs.x!.shape.length;
  const axis = (getAttribute<number>('axis') + rank) % rank;
  const sizes = call.outputs.map(({ shape }) => shape[axis]!);
  return addMultiOutputNode('Split', [getInput('x'), addIntegers(sizes)], { axis }, sizes.length);
};

/** Lowers SpaceToBatchND, which distributes the pixels of each block of `blockShape` pixels to separate images of the batch. */
const lowerSpaceToBatch: OpLowering = ({ addNode, getInput, addIntegers, addFloats, getAttribute, call }) => {
  const { shape } = call.inputs.x!;
  const blockShape = getAttribute<number[]>('blockShape');
  const blockPaddings = getAttribute<[number, number][]>('paddings');
  const otherPaddings = shape.slice(1 + blockShape.length).map(() => [0, 0] as const);
  const paddings = [[0, 0] as const, ...blockPaddings, ...otherPaddings];
  const pads = addIntegers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  const paddedShape = paddings.map(([before, after], axis) => before + shape[axis]! + after);
  const area = countElements(blockShape);
  const splitShape = tf.backend_util.getReshaped(paddedShape, blockShape, area, false);
  const resultShape = tf.backend_util.getReshapedPermuted(paddedShape, blockShape, area, false);
  const x = addNode('Pad', [getInput('x'), pads, addFloats([0])]);
  const split = addNode('Reshape', [x, addIntegers([KEEP_SIZE, ...splitShape.slice(1)])]);
  const perm = tf.backend_util.getPermuted(splitShape.length, blockShape.length, false);
  return addNode('Reshape', [
    addNode('Transpose', [split], { perm }),
    addIntegers([INFER_SIZE, ...resultShape.slice(1)]),
  ]);
};

/** Lowers BatchToSpaceND, which reverses SpaceToBatchND and then crops the images by `crops`. */
const lowerBatchToSpace: OpLowering = ({ addNode, getInput, addIntegers, getAttribute, call }) => {
  const shape = [...call.inputs.x!.shape];
  const blockShape = getAttribute<number[]>('blockShape');
  const crops = getAttribute<[number, number][]>('crops');
  const area = countElements(blockShape);
  const splitShape = tf.backend_util.getReshaped(shape, blockShape, area);
  const resultShape = tf.backend_util.getReshapedPermuted(shape, blockShape, area);
  const batchFreeShape = splitShape.map((size, axis) => (axis === blockShape.length ? INFER_SIZE : size));
  const perm = tf.backend_util.getPermuted(splitShape.length, blockShape.length);
  const transposed = addNode(
    'Transpose',
    [addNode('Reshape', [getInput('x'), addIntegers(batchFreeShape)])],
    { perm },
  );
  const joined = addNode('Reshape', [transposed, addIntegers([INFER_SIZE, ...resultShape.slice(1)])]);
  const starts = crops.map(([before]) => before);
  const ends = crops.map(([, after], i) => resultShape[i + 1]! - after);
  return addNode('Slice', [
    joined,
    addIntegers(starts),
    addIntegers(ends),
    addIntegers(crops.map((_, i) => i + 1)),
  ]);
};

const lowerDepthToSpace: OpLowering = ({ addNode, getInput, addIntegers, getAttribute, call }) => {
  const [, height, width] = call.inputs.x!.shape as [number, number, number, number];
  const [, outHeight, outWidth, channels] = call.outputs[0]!.shape as [number, number, number, number];
  const blockSize = getAttribute<number>('blockSize');
  const split = addNode('Reshape', [
    getInput('x'),
    addIntegers([KEEP_SIZE, height, width, blockSize, blockSize, channels]),
  ]);
  const transposed = addNode('Transpose', [split], { perm: [0, 1, 3, 2, 4, 5] });
  return addNode('Reshape', [transposed, addIntegers([KEEP_SIZE, outHeight, outWidth, channels])]);
};

const lowerFill: OpLowering = ({ addNode, addIntegers, addFloats, getAttribute, call }) =>
  addNode('Expand', [addFloats([getAttribute<number>('value')]), addIntegers(call.outputs[0]!.shape)]);

/**
 * Creates the lowering of a kernel that returns equally spaced numbers. The `start` attribute is the first number, and `computeStep`
 * returns the difference between consecutive numbers.
 */
const createRangeLowering =
  (computeStep: (getAttribute: AttributeGetter) => number): OpLowering =>
  ({ addFloats, getAttribute, call }) => {
    const [start, step] = [getAttribute<number>('start'), computeStep(getAttribute)];
    const [size] = call.outputs[0]!.shape as [number];
    return addFloats(
      Array.from({ length: size }, (_, i) => start + i * step),
      [size],
    );
  };

/** Lowerings of the kernels that change shapes, rearrange elements or create constants. */
export const shapeOps: OpTable = {
  Reshape: createReshapeLowering('x'),
  ExpandDims: createReshapeLowering('input'),
  Transpose: ({ addNode, getInput, getAttribute }) =>
    addNode('Transpose', [getInput('x')], { perm: getAttribute<AttributeValue>('perm') }),
  Concat: lowerConcat,
  Pack: lowerPack,
  Unpack: lowerUnpack,
  SplitV: lowerSplit,
  Tile: ({ addNode, getInput, addIntegers, getAttribute }) =>
    addNode('Tile', [getInput('x'), addIntegers(getAttribute<readonly number[]>('reps'))]),
  SpaceToBatchND: lowerSpaceToBatch,
  BatchToSpaceND: lowerBatchToSpace,
  DepthToSpace: lowerDepthToSpace,
  Fill: lowerFill,
  ZerosLike: ({ addNode, getInput }) => addNode('ConstantOfShape', [addNode('Shape', [getInput('x')])]),
  OnesLike: ({ addNode, getInput, addFloats }) =>
    addNode('Expand', [addFloats([1]), addNode('Shape', [getInput('x')])]),
  Range: createRangeLowering((getAttribute) => getAttribute<number>('step')),
  LinSpace: createRangeLowering(
    (getAttribute) =>
      (getAttribute<number>('stop') - getAttribute<number>('start')) /
      Math.max(1, getAttribute<number>('num') - 1),
  ),
};
