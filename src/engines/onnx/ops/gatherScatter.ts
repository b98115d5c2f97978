import type { LoweringContext } from '../lower/traceLowering.js';
import { castToBool, castToInt64 } from './context/casts.js';
import type { OpLowering, OpTable } from './opRegistry.js';

/** In the shape of a Reshape: the size that this axis has already. */
const KEEP_SIZE = 0;
/** In the shape of a Reshape: what is left. */
const INFER_SIZE = -1;

const computeSize = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** `x` with its slices along `axis` in the order of `indices`; `batchDims` leading axes are gone through in step. */
const lowerGather: OpLowering = (mapping) => {
  const { addNode, getInput, addIntegers, getAttribute, call } = mapping;
  const rank = call.inputs.x!.shape.length;
  const given = getAttribute<number>('axis');
  const axis = given < 0 ? given + rank : given;
  const batch = getAttribute<number | undefined>('batchDims') ?? 0;
  const places = castToInt64(mapping, getInput('indices'));
  if (batch === 0) return addNode('Gather', [getInput('x'), places], { axis });
  // GatherND takes from the axis behind the batch alone.
  const front = moveAxis(rank, axis, batch);
  const moved = axis === batch ? getInput('x') : addNode('Transpose', [getInput('x')], { perm: front });
  const each = addNode('Unsqueeze', [places, addIntegers([-1])]);
  const taken = addNode('GatherND', [moved, each], { batch_dims: batch });
  if (axis === batch) return taken;
  // The axes of the indices stand where those before `axis` belong.
  const { length } = call.inputs.indices!.shape;
  const between = axis - batch;
  const all = Array.from({ length: rank + length - batch - 1 }, (_, i) => i);
  const perm = [
    ...all.slice(0, batch),
    ...all.slice(length, length + between),
    ...all.slice(batch, length),
    ...all.slice(length + between),
  ];
  return addNode('Transpose', [taken], { perm });
};

/** All axes in order, but that `from` stands at `to`. */
function moveAxis(rank: number, from: number, to: number): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i);
  axes.splice(to, 0, ...axes.splice(from, 1));
  return axes;
}

/**
 * Rows `[n, size]` added up in `[count, size]`, each at its place; those whose place is outside are left out, where
 * ONNX would count them from the end or stop.
 */
function addScatterSum(
  mapping: LoweringContext,
  rows: string,
  places: string,
  count: number,
  size: number,
): string {
  const { addNode, addIntegers, addFloats } = mapping;
  const outside = addNode('Or', [
    addNode('Less', [places, addFloats([0])]),
    addNode('GreaterOrEqual', [places, addFloats([count])]),
  ]);
  const target = castToInt64(mapping, addNode('Where', [outside, addFloats([count]), places]));
  const everywhere = addNode('Expand', [
    addNode('Unsqueeze', [target, addIntegers([1])]),
    addNode('Shape', [rows]),
  ]);
  const nothing = addNode('ConstantOfShape', [addIntegers([count + 1, size])]);
  const sums = addNode('ScatterElements', [nothing, everywhere, rows], { axis: 0, reduction: 'add' });
  return addNode('Slice', [sums, addIntegers([0]), addIntegers([count]), addIntegers([0])]);
}

const lowerSegmentSum: OpLowering = (mapping) => {
  const { addNode, getInput, addIntegers, getAttribute, call } = mapping;
  const size = computeSize(call.inputs.x!.shape.slice(1));
  const rows = addNode('Reshape', [getInput('x'), addIntegers([KEEP_SIZE, size])]);
  const sums = addScatterSum(
    mapping,
    rows,
    getInput('segmentIds'),
    getAttribute<number>('numSegments'),
    size,
  );
  return addNode('Reshape', [sums, mapping.addOutputShape()]);
};

const lowerScatter: OpLowering = (mapping) => {
  const { addNode, getInput, addIntegers, addFloats, getAttribute, call } = mapping;
  const shape = getAttribute<readonly number[]>('shape');
  const depth = call.inputs.indices!.shape.at(-1)!;
  const size = computeSize(shape.slice(depth));
  const strides = shape.slice(0, depth).map((_, axis) => computeSize(shape.slice(axis + 1, depth)));
  const indices = addNode('Reshape', [getInput('indices'), addIntegers([INFER_SIZE, depth])]);
  const places = addNode(
    'ReduceSum',
    [addNode('Mul', [indices, addFloats(strides, [depth])]), addIntegers([1])],
    {
      keepdims: 0,
    },
  );
  const rows = addNode('Reshape', [getInput('updates'), addIntegers([INFER_SIZE, size])]);
  const sums = addScatterSum(mapping, rows, places, computeSize(shape.slice(0, depth)), size);
  return addNode('Reshape', [sums, addIntegers(shape)]);
};

const lowerOneHot: OpLowering = ({ addNode, getInput, addIntegers, addFloats, getAttribute, call }) => {
  const depth = getAttribute<number>('depth');
  const each = addNode('Unsqueeze', [getInput('indices'), addIntegers([call.inputs.indices!.shape.length])]);
  // ONNX's OneHot counts a negative index from the end.
  const isIt = addNode('Equal', [each, addFloats([...Array(depth).keys()], [depth])]);
  const value = (name: string) => {
    const given = getAttribute<number>(name);
    return addFloats([call.outputs[0]!.dtype === 'int32' ? Math.trunc(given) : given]);
  };
  return addNode('Where', [isIt, value('onValue'), value('offValue')]);
};

/** A matrix with the numbers of `x` on its diagonal. */
const lowerDiagonal: OpLowering = (mapping) => {
  const { addNode, getInput, addIntegers, addFloats, call } = mapping;
  const { shape } = call.inputs.x!;
  const size = computeSize(shape);
  const ones = Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  const row = addNode('Reshape', [getInput('x'), addIntegers([1, size])]);
  const matrix = addNode('Where', [castToBool(mapping, addFloats(ones, [size, size])), row, addFloats([0])]);
  return addNode('Reshape', [matrix, addIntegers([...shape, ...shape])]);
};

/** Kernels that take numbers from places, or put them there, where the places are tensors. */
export const gatherScatterOps: OpTable = {
  GatherV2: lowerGather,
  GatherNd: (mapping) =>
    mapping.addNode('GatherND', [
      mapping.getInput('params'),
      castToInt64(mapping, mapping.getInput('indices')),
    ]),
  UnsortedSegmentSum: lowerSegmentSum,
  ScatterNd: lowerScatter,
  TensorScatterUpdate: (mapping) => {
    const { addNode, getInput } = mapping;
    return addNode('ScatterND', [
      getInput('tensor'),
      castToInt64(mapping, getInput('indices')),
      getInput('updates'),
    ]);
  },
  OneHot: lowerOneHot,
  Diag: lowerDiagonal,
};
