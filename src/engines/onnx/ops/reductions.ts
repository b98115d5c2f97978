import { castToFloat } from './context/casts.js';
import type { OpLowering, OpTable } from './opRegistry.js';

type Axes = number | readonly number[] | null | undefined;

/** Over `axes`, counted from either end. */
const createReductionLowering =
  (operation: string): OpLowering =>
  ({ addNode, getInput, addIntegers, getAttribute, call }) => {
    const name = Object.keys(call.inputs)[0]!;
    // Max calls its axes otherwise.
    const axis = getAttribute<Axes>('axis') ?? getAttribute<Axes>('reductionIndices');
    const axes = axis == null ? call.inputs[name]!.shape.map((_, i) => i) : [axis].flat();
    const keepdims = getAttribute<boolean | undefined>('keepDims') ? 1 : 0;
    if (axes.length === 0) return getInput(name);
    return addNode(operation, [getInput(name), addIntegers(axes as number[])], { keepdims });
  };

/** The place of the first largest, or smallest. */
const createArgReductionLowering =
  (operation: 'ArgMax' | 'ArgMin'): OpLowering =>
  (mapping) => {
    const { addNode, getInput, getAttribute } = mapping;
    const axis = [getAttribute<number | readonly number[]>('axis')].flat()[0] as number;
    return castToFloat(mapping, addNode(operation, [getInput('x')], { axis, keepdims: 0 }));
  };

const lowerCumulativeSum: OpLowering = ({ addNode, getInput, addIntegers, getAttribute }) => {
  const [exclusive, reverse] = ['exclusive', 'reverse'].map((name) => (getAttribute<boolean>(name) ? 1 : 0));
  const axis = addNode('Squeeze', [addIntegers([getAttribute<number>('axis')])]);
  return addNode('CumSum', [getInput('x'), axis], { exclusive: exclusive!, reverse: reverse! });
};

/** ONNX has none: for each place, the product of a copy in which all places it does not count are 1. */
const lowerCumulativeProduct: OpLowering = ({
  addNode,
  getInput,
  addIntegers,
  addFloats,
  getAttribute,
  call,
}) => {
  const { shape } = call.inputs.x!;
  const axis = getAttribute<number>('axis');
  const size = shape[axis]!;
  const [exclusive, reverse] = [getAttribute<boolean>('exclusive'), getAttribute<boolean>('reverse')];
  const counts = (to: number, from: number) => {
    const ahead = reverse ? from - to : to - from;
    return exclusive ? ahead > 0 : ahead >= 0;
  };
  const pairs = Array.from({ length: size * size }, (_, i) =>
    counts(Math.floor(i / size), i % size) ? 1 : 0,
  );
  const mask = addFloats(pairs, [size, size, ...shape.slice(axis + 1).map(() => 1)]);
  const copies = addNode('Unsqueeze', [getInput('x'), addIntegers([axis])]);
  const counted = addNode('Where', [addNode('Greater', [mask, addFloats([0])]), copies, addFloats([1])]);
  return addNode('ReduceProd', [counted, addIntegers([axis + 1])], { keepdims: 0 });
};

const lowerTopK: OpLowering = (mapping) => {
  const { addMultiOutputNode, getInput, addIntegers, getAttribute } = mapping;
  const k = getAttribute<number>('k');
  const [values, places] = addMultiOutputNode(
    'TopK',
    [getInput('x'), addIntegers([k])],
    { axis: -1, largest: 1, sorted: 1 },
    2,
  );
  return [values!, castToFloat(mapping, places!)];
};

/** How often each number below `size` occurs, in all of `x` or in each of its rows; or the weights at those places, added up. */
const lowerBincount: OpLowering = (mapping) => {
  const { addNode, getInput, addIntegers, addFloats, getAttribute, call } = mapping;
  const size = getAttribute<number>('size');
  const axis = call.inputs.x!.shape.length;
  const each = addNode('Unsqueeze', [getInput('x'), addIntegers([axis])]);
  const hits = castToFloat(mapping, addNode('Equal', [each, addFloats([...Array(size).keys()], [size])]));
  if (getAttribute<boolean | undefined>('binaryOutput')) {
    return addNode('ReduceMax', [hits, addIntegers([axis - 1])], { keepdims: 0 });
  }
  const weights = call.inputs.weights!.shape.includes(0)
    ? undefined
    : addNode('Unsqueeze', [getInput('weights'), addIntegers([axis])]);
  const weighed = weights ? addNode('Mul', [hits, weights]) : hits;
  return addNode('ReduceSum', [weighed, addIntegers([axis - 1])], { keepdims: 0 });
};

/** Kernels that make fewer numbers of many, or one of those before it. */
export const reductionOps: OpTable = {
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'Prod'].map((name) => [name, createReductionLowering(`Reduce${name}`)]),
  ),
  // Truths are 0 and 1.
  All: createReductionLowering('ReduceMin'),
  Any: createReductionLowering('ReduceMax'),
  ArgMax: createArgReductionLowering('ArgMax'),
  ArgMin: createArgReductionLowering('ArgMin'),
  Cumsum: lowerCumulativeSum,
  Cumprod: lowerCumulativeProduct,
  Softmax: ({ addNode, getInput, call }) =>
    addNode('Softmax', [getInput('logits')], { axis: call.inputs.logits!.shape.length - 1 }),
  TopK: lowerTopK,
  Bincount: lowerBincount,
  DenseBincount: lowerBincount,
};
