import { countElements } from '../../../core/arrays.js';
import { castToBool, castToInt64 } from './context/casts.js';
import type { LoweringContext, OpLowering, OpTable } from './context/loweringContext.js';
import { INFER_SIZE, KEEP_SIZE } from './context/shapeConstants.js';

/**
 * Lowers GatherV2, which selects slices of `x` along `axis` by their indices. The first `batchDims` axes of `x` and `indices` are batch
 * axes.
 */
const lowerGather: OpLowering = (context) => {
  const { addNode, getInput, addIntegers, getAttribute, call } = context;
  const rank = call.inputs.x!.shape.length;
  const signedAxis = getAttribute<number>('axis');
  const axis = signedAxis < 0 ? signedAxis + rank : signedAxis;
  const batchDims = getAttribute<number | undefined>('batchDims') ?? 0;
  const indices = castToInt64(context, getInput('indices'));
  if (batchDims === 0) return addNode('Gather', [getInput('x'), indices], { axis });
  // GatherND only indexes the first axis after the batch axes, so `axis` is moved there.
  const axisFirst = moveAxis(rank, axis, batchDims);
  const x = axis === batchDims ? getInput('x') : addNode('Transpose', [getInput('x')], { perm: axisFirst });
  const indexTuples = addNode('Unsqueeze', [indices, addIntegers([-1])]);
  const gathered = addNode('GatherND', [x, indexTuples], { batch_dims: batchDims });
  if (axis === batchDims) return gathered;
  // In the output of GatherND, the axes of the indices come first. The axes before `axis` must precede them.
  const { length } = call.inputs.indices!.shape;
  const axesBefore = axis - batchDims;
  const axes = Array.from({ length: rank + length - batchDims - 1 }, (_, i) => i);
  const perm = [
    ...axes.slice(0, batchDims),
    ...axes.slice(length, length + axesBefore),
    ...axes.slice(batchDims, length),
    ...axes.slice(length + axesBefore),
  ];
  return addNode('Transpose', [gathered], { perm });
};

/** Returns the axis order for a transpose that moves the axis at position `from` to position `to`. */
function moveAxis(rank: number, from: number, to: number): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i);
  axes.splice(to, 0, ...axes.splice(from, 1));
  return axes;
}

/**
 * Sums rows by index: adds each row of `rows` (shape `[n, size]`) to the row of the result (shape `[count, size]`) that `indices` selects.
 * As in TensorFlow.js, rows whose index is out of range are ignored. ONNX would count a negative index from the end and reject an index
 * that is too large.
 */
function addScatterSum(
  context: LoweringContext,
  rows: string,
  indices: string,
  count: number,
  size: number,
): string {
  const { addNode, addIntegers, addFloats } = context;
  const isOutOfRange = addNode('Or', [
    addNode('Less', [indices, addFloats([0])]),
    addNode('GreaterOrEqual', [indices, addFloats([count])]),
  ]);
  // Rows with an index out of range are added to an extra row at `count`, which is removed at the end.
  const targets = castToInt64(context, addNode('Where', [isOutOfRange, addFloats([count]), indices]));
  const elementTargets = addNode('Expand', [
    addNode('Unsqueeze', [targets, addIntegers([1])]),
    addNode('Shape', [rows]),
  ]);
  const zeros = addNode('ConstantOfShape', [addIntegers([count + 1, size])]);
  const sums = addNode('ScatterElements', [zeros, elementTargets, rows], { axis: 0, reduction: 'add' });
  return addNode('Slice', [sums, addIntegers([0]), addIntegers([count]), addIntegers([0])]);
}

const lowerSegmentSum: OpLowering = (context) => {
  const { addNode, getInput, addIntegers, getAttribute, call } = context;
  const size = countElements(call.inputs.x!.shape.slice(1));
  const rows = addNode('Reshape', [getInput('x'), addIntegers([KEEP_SIZE, size])]);
  const sums = addScatterSum(
    context,
    rows,
    getInput('segmentIds'),
    getAttribute<number>('numSegments'),
    size,
  );
  return addNode('Reshape', [sums, context.addOutputShape()]);
};

const lowerScatter: OpLowering = (context) => {
  const { addNode, getInput, addIntegers, addFloats, getAttribute, call } = context;
  const shape = getAttribute<readonly number[]>('shape');
  const depth = call.inputs.indices!.shape.at(-1)!;
  const size = countElements(shape.slice(depth));
  const strides = shape.slice(0, depth).map((_, axis) => countElements(shape.slice(axis + 1, depth)));
  const indexTuples = addNode('Reshape', [getInput('indices'), addIntegers([INFER_SIZE, depth])]);
  const indices = addNode(
    'ReduceSum',
    [addNode('Mul', [indexTuples, addFloats(strides, [depth])]), addIntegers([1])],
    {
      keepdims: 0,
    },
  );
  const rows = addNode('Reshape', [getInput('updates'), addIntegers([INFER_SIZE, size])]);
  const sums = addScatterSum(context, rows, indices, countElements(shape.slice(0, depth)), size);
  return addNode('Reshape', [sums, addIntegers(shape)]);
};

const lowerOneHot: OpLowering = ({ addNode, getInput, addIntegers, addFloats, getAttribute, call }) => {
  const depth = getAttribute<number>('depth');
  const indices = addNode('Unsqueeze', [
    getInput('indices'),
    addIntegers([call.inputs.indices!.shape.length]),
  ]);
  // The OneHot operation of ONNX is not used, because it counts a negative index from the end.
  const isHot = addNode('Equal', [indices, addFloats([...Array(depth).keys()], [depth])]);
  const addValue = (name: string) => {
    const value = getAttribute<number>(name);
    return addFloats([call.outputs[0]!.dtype === 'int32' ? Math.trunc(value) : value]);
  };
  return addNode('Where', [isHot, addValue('onValue'), addValue('offValue')]);
};

/** Lowers the kernel Diag, which creates a matrix with the elements of `x` on its diagonal. */
const lowerDiagonal: OpLowering = (context) => {
  const { addNode, getInput, addIntegers, addFloats, call } = context;
  const { shape } = call.inputs.x!;
  const size = countElements(shape);
  const identity = Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  const row = addNode('Reshape', [getInput('x'), addIntegers([1, size])]);
  const matrix = addNode('Where', [
    castToBool(context, addFloats(identity, [size, size])),
    row,
    addFloats([0]),
  ]);
  return addNode('Reshape', [matrix, addIntegers([...shape, ...shape])]);
};

/** Lowerings of the kernels that read or write elements at indices from a tensor. */
export const gatherScatterOps: OpTable = {
  GatherV2: lowerGather,
  GatherNd: (context) =>
    context.addNode('GatherND', [
      context.getInput('params'),
      castToInt64(context, context.getInput('indices')),
    ]),
  UnsortedSegmentSum: lowerSegmentSum,
  ScatterNd: lowerScatter,
  TensorScatterUpdate: (context) => {
    const { addNode, getInput } = context;
    return addNode('ScatterND', [
      getInput('tensor'),
      castToInt64(context, getInput('indices')),
      getInput('updates'),
    ]);
  },
  OneHot: lowerOneHot,
  Diag: lowerDiagonal,
};
