import type { AttributeValue } from '../../../formats/onnxModel.js';
import { tf } from '../../../tensor/tf.js';
import type { OpLowering, OpTable } from './opRegistry.js';

/** In the shape of a Reshape: the size that this axis has already. */
const KEEP_SIZE = 0;
/** In the shape of a Reshape: what is left. */
const INFER_SIZE = -1;

/** Numbers that are their input in another shape. */
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

/** Blocks of `blockShape` pixels, each pixel of a block to an image of its own. */
const lowerSpaceToBatch: OpLowering = ({ addNode, getInput, addIntegers, addFloats, getAttribute, call }) => {
  const { shape } = call.inputs.x!;
  const block = getAttribute<number[]>('blockShape');
  const paddings = getAttribute<[number, number][]>('paddings');
  const rest = shape.slice(1 + block.length).map(() => [0, 0] as const);
  const all = [[0, 0] as const, ...paddings, ...rest];
  const pads = addIntegers([...all.map(([before]) => before), ...all.map(([, after]) => after)]);
  const padded = all.map(([before, after], axis) => before + shape[axis]! + after);
  const area = block.reduce((product, side) => product * side, 1);
  const parts = tf.backend_util.getReshaped(padded, block, area, false);
  const result = tf.backend_util.getReshapedPermuted(padded, block, area, false);
  const x = addNode('Pad', [getInput('x'), pads, addFloats([0])]);
  const apart = addNode('Reshape', [x, addIntegers([KEEP_SIZE, ...parts.slice(1)])]);
  const perm = tf.backend_util.getPermuted(parts.length, block.length, false);
  return addNode('Reshape', [
    addNode('Transpose', [apart], { perm }),
    addIntegers([INFER_SIZE, ...result.slice(1)]),
  ]);
};

/** The way back, cut by `crops`. */
const lowerBatchToSpace: OpLowering = ({ addNode, getInput, addIntegers, getAttribute, call }) => {
  const shape = [...call.inputs.x!.shape];
  const block = getAttribute<number[]>('blockShape');
  const crops = getAttribute<[number, number][]>('crops');
  const area = block.reduce((product, side) => product * side, 1);
  const parts = tf.backend_util.getReshaped(shape, block, area);
  const whole = tf.backend_util.getReshapedPermuted(shape, block, area);
  const apart = parts.map((size, axis) => (axis === block.length ? INFER_SIZE : size));
  const perm = tf.backend_util.getPermuted(parts.length, block.length);
  const turned = addNode('Transpose', [addNode('Reshape', [getInput('x'), addIntegers(apart)])], { perm });
  const joint = addNode('Reshape', [turned, addIntegers([INFER_SIZE, ...whole.slice(1)])]);
  const from = crops.map(([before]) => before);
  const to = crops.map(([, after], i) => whole[i + 1]! - after);
  return addNode('Slice', [
    joint,
    addIntegers(from),
    addIntegers(to),
    addIntegers(crops.map((_, i) => i + 1)),
  ]);
};

const lowerDepthToSpace: OpLowering = ({ addNode, getInput, addIntegers, getAttribute, call }) => {
  const [, height, width] = call.inputs.x!.shape as [number, number, number, number];
  const [, tall, wide, channels] = call.outputs[0]!.shape as [number, number, number, number];
  const side = getAttribute<number>('blockSize');
  const apart = addNode('Reshape', [
    getInput('x'),
    addIntegers([KEEP_SIZE, height, width, side, side, channels]),
  ]);
  const turned = addNode('Transpose', [apart], { perm: [0, 1, 3, 2, 4, 5] });
  return addNode('Reshape', [turned, addIntegers([KEEP_SIZE, tall, wide, channels])]);
};

const lowerFill: OpLowering = ({ addNode, addIntegers, addFloats, getAttribute, call }) =>
  addNode('Expand', [addFloats([getAttribute<number>('value')]), addIntegers(call.outputs[0]!.shape)]);

/** `count` numbers from `start`, `step` apart. */
const createRangeLowering =
  (step: (attribute: <V>(name: string) => V) => number): OpLowering =>
  ({ addFloats, getAttribute, call }) => {
    const [start, by] = [getAttribute<number>('start'), step(getAttribute)];
    const [size] = call.outputs[0]!.shape as [number];
    return addFloats(
      Array.from({ length: size }, (_, i) => start + i * by),
      [size],
    );
  };

/** Kernels that move numbers, or make them from none. */
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
  Range: createRangeLowering((attribute) => attribute<number>('step')),
  LinSpace: createRangeLowering(
    (attribute) =>
      (attribute<number>('stop') - attribute<number>('start')) / Math.max(1, attribute<number>('num') - 1),
  ),
};
