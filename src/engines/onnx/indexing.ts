import type { Mapping } from './graph.js';
import { asPlaces, asTruth } from './numbers.js';
import type { Operation, Operations } from './operations.js';

/** In the shape of a Reshape: the size that this axis has already. */
const SAME = 0;
/** In the shape of a Reshape: what is left. */
const REST = -1;

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** `x` with its slices along `axis` in the order of `indices`; `batchDims` leading axes are gone through in step. */
const gather: Operation = (mapping) => {
  const { node, input, integers, attribute, call } = mapping;
  const rank = call.inputs.x!.shape.length;
  const given = attribute<number>('axis');
  const axis = given < 0 ? given + rank : given;
  const batch = attribute<number | undefined>('batchDims') ?? 0;
  const places = asPlaces(mapping, input('indices'));
  if (batch === 0) return node('Gather', [input('x'), places], { axis });
  // GatherND takes from the axis behind the batch alone.
  const front = order(rank, axis, batch);
  const moved = axis === batch ? input('x') : node('Transpose', [input('x')], { perm: front });
  const each = node('Unsqueeze', [places, integers([-1])]);
  const taken = node('GatherND', [moved, each], { batch_dims: batch });
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
  return node('Transpose', [taken], { perm });
};

/** All axes in order, but that `from` stands at `to`. */
function order(rank: number, from: number, to: number): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i);
  axes.splice(to, 0, ...axes.splice(from, 1));
  return axes;
}

/**
 * Rows `[n, size]` added up in `[count, size]`, each at its place; those whose place is outside are left out, where
 * ONNX would count them from the end or stop.
 */
function addedUp(mapping: Mapping, rows: string, places: string, count: number, size: number): string {
  const { node, integers, floats } = mapping;
  const outside = node('Or', [
    node('Less', [places, floats([0])]),
    node('GreaterOrEqual', [places, floats([count])]),
  ]);
  const target = asPlaces(mapping, node('Where', [outside, floats([count]), places]));
  const everywhere = node('Expand', [node('Unsqueeze', [target, integers([1])]), node('Shape', [rows])]);
  const nothing = node('ConstantOfShape', [integers([count + 1, size])]);
  const sums = node('ScatterElements', [nothing, everywhere, rows], { axis: 0, reduction: 'add' });
  return node('Slice', [sums, integers([0]), integers([count]), integers([0])]);
}

const segmentSum: Operation = (mapping) => {
  const { node, input, integers, attribute, call } = mapping;
  const size = sizeOf(call.inputs.x!.shape.slice(1));
  const rows = node('Reshape', [input('x'), integers([SAME, size])]);
  const sums = addedUp(mapping, rows, input('segmentIds'), attribute<number>('numSegments'), size);
  return node('Reshape', [sums, mapping.outputShape()]);
};

const scatter: Operation = (mapping) => {
  const { node, input, integers, floats, attribute, call } = mapping;
  const shape = attribute<readonly number[]>('shape');
  const depth = call.inputs.indices!.shape.at(-1)!;
  const size = sizeOf(shape.slice(depth));
  const strides = shape.slice(0, depth).map((_, axis) => sizeOf(shape.slice(axis + 1, depth)));
  const indices = node('Reshape', [input('indices'), integers([REST, depth])]);
  const places = node('ReduceSum', [node('Mul', [indices, floats(strides, [depth])]), integers([1])], {
    keepdims: 0,
  });
  const rows = node('Reshape', [input('updates'), integers([REST, size])]);
  const sums = addedUp(mapping, rows, places, sizeOf(shape.slice(0, depth)), size);
  return node('Reshape', [sums, integers(shape)]);
};

const oneHot: Operation = ({ node, input, integers, floats, attribute, call }) => {
  const depth = attribute<number>('depth');
  const each = node('Unsqueeze', [input('indices'), integers([call.inputs.indices!.shape.length])]);
  // ONNX's OneHot counts a negative index from the end.
  const isIt = node('Equal', [each, floats([...Array(depth).keys()], [depth])]);
  const value = (name: string) => {
    const given = attribute<number>(name);
    return floats([call.outputs[0]!.dtype === 'int32' ? Math.trunc(given) : given]);
  };
  return node('Where', [isIt, value('onValue'), value('offValue')]);
};

/** A matrix with the numbers of `x` on its diagonal. */
const diagonal: Operation = (mapping) => {
  const { node, input, integers, floats, call } = mapping;
  const { shape } = call.inputs.x!;
  const size = sizeOf(shape);
  const ones = Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  const row = node('Reshape', [input('x'), integers([1, size])]);
  const matrix = node('Where', [asTruth(mapping, floats(ones, [size, size])), row, floats([0])]);
  return node('Reshape', [matrix, integers([...shape, ...shape])]);
};

/** Kernels that take numbers from places, or put them there, where the places are tensors. */
export const indexing: Operations = {
  GatherV2: gather,
  GatherNd: (mapping) =>
    mapping.node('GatherND', [mapping.input('params'), asPlaces(mapping, mapping.input('indices'))]),
  UnsortedSegmentSum: segmentSum,
  ScatterNd: scatter,
  TensorScatterUpdate: (mapping) => {
    const { node, input } = mapping;
    return node('ScatterND', [input('tensor'), asPlaces(mapping, input('indices')), input('updates')]);
  },
  OneHot: oneHot,
  Diag: diagonal,
};
