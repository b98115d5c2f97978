import { castToFloat } from './context/casts.js';
import { chooseImageLayout, createChannelOps } from './context/channelOps.js';
import { BLOCKED_DOMAIN } from './context/layout.js';
import type { LoweringContext, OpLowering, OpTable } from './context/loweringContext.js';
import type { Shape4D } from './context/windowGeometry.js';
import { addImageSums } from './imageProducts.js';

type Axes = number | readonly number[] | null | undefined;

/**
 * Creates the lowering of a kernel that reduces axes, for example Sum. If the `axis` attribute is missing, all axes are reduced. Negative
 * axes count from the end.
 */
const createReductionLowering =
  (opType: string): OpLowering =>
  (context) => {
    const { addNode, getInput, addIntegers, getAttribute, call } = context;
    const name = Object.keys(call.inputs)[0]!;
    // In the kernel Max, the attribute is called `reductionIndices`.
    const axis = getAttribute<Axes>('axis') ?? getAttribute<Axes>('reductionIndices');
    const axes = axis == null ? call.inputs[name]!.shape.map((_, i) => i) : [axis].flat();
    const keepdims = getAttribute<boolean | undefined>('keepDims') ? 1 : 0;
    if (axes.length === 0) return getInput(name);
    if ((opType === 'ReduceSum' || opType === 'ReduceMean') && keepdims === 0) {
      const sum = addBlockedSum(context, name, opType, axes as number[]);
      if (sum !== undefined) return sum;
    }
    return addNode(opType, [getInput(name), addIntegers(axes as number[])], { keepdims });
  };

/**
 * Adds the sum or the mean of an image in blocks over the pixels of each image, or the sum over the pixels of all images. Returns undefined
 * for other axes and for images that are not stored in blocks.
 */
function addBlockedSum(
  context: LoweringContext,
  name: string,
  opType: 'ReduceSum' | 'ReduceMean',
  axes: readonly number[],
): string | undefined {
  const { call, addNode, addFloats, getImage, countExamples } = context;
  const { shape } = call.inputs[name]!;
  const [, height, width, channels] = shape as Shape4D;
  const isBlocked = shape.length === 4 && chooseImageLayout(context, channels) === 'blocked';
  if (!isBlocked || height * width === 1 || countExamples(name) === undefined) return undefined;
  if (axes.join() === '0,1,2' && opType === 'ReduceSum') {
    const { addSum, getValues } = createChannelOps(context, name);
    return addSum(getValues(name));
  }
  if (axes.join() !== '1,2') return undefined;
  const means = addNode(`${BLOCKED_DOMAIN}:GlobalAveragePool`, [getImage(name, 'blocked')]);
  const result = addImageSums(context, means, shape as Shape4D);
  return opType === 'ReduceMean' ? result : addNode('Mul', [result, addFloats([height * width])]);
}

/** Creates the lowering of ArgMax or ArgMin, which return the index of the first maximum or minimum. */
const createArgReductionLowering =
  (opType: 'ArgMax' | 'ArgMin'): OpLowering =>
  (context) => {
    const { addNode, getInput, getAttribute } = context;
    const axis = [getAttribute<number | readonly number[]>('axis')].flat()[0] as number;
    return castToFloat(context, addNode(opType, [getInput('x')], { axis, keepdims: 0 }));
  };

const lowerCumulativeSum: OpLowering = ({ addNode, getInput, addIntegers, getAttribute }) => {
  const [exclusive, reverse] = ['exclusive', 'reverse'].map((name) => (getAttribute<boolean>(name) ? 1 : 0));
  const axis = addNode('Squeeze', [addIntegers([getAttribute<number>('axis')])]);
  return addNode('CumSum', [getInput('x'), axis], { exclusive: exclusive!, reverse: reverse! });
};

/**
 * Lowers the cumulative product, which ONNX does not have. For each position, the lowering copies the input, sets all elements that the
 * product must not include to 1, and computes the product of the whole copy.
 */
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
  const isIncluded = (to: number, from: number) => {
    const distance = reverse ? from - to : to - from;
    return exclusive ? distance > 0 : distance >= 0;
  };
  const inclusion = Array.from({ length: size * size }, (_, i) =>
    isIncluded(Math.floor(i / size), i % size) ? 1 : 0,
  );
  const mask = addFloats(inclusion, [size, size, ...shape.slice(axis + 1).map(() => 1)]);
  const copies = addNode('Unsqueeze', [getInput('x'), addIntegers([axis])]);
  const factors = addNode('Where', [addNode('Greater', [mask, addFloats([0])]), copies, addFloats([1])]);
  return addNode('ReduceProd', [factors, addIntegers([axis + 1])], { keepdims: 0 });
};

const lowerTopK: OpLowering = (context) => {
  const { addMultiOutputNode, getInput, addIntegers, getAttribute } = context;
  const k = getAttribute<number>('k');
  const [values, indices] = addMultiOutputNode(
    'TopK',
    [getInput('x'), addIntegers([k])],
    { axis: -1, largest: 1, sorted: 1 },
    2,
  );
  return [values!, castToFloat(context, indices!)];
};

/**
 * Lowers the kernels that count how often each integer below `size` occurs in `x`, or in each row of `x`. If weights are passed, the result
 * is the sum of the weights of the occurrences.
 */
const lowerBincount: OpLowering = (context) => {
  const { addNode, getInput, addIntegers, addFloats, getAttribute, call } = context;
  const size = getAttribute<number>('size');
  const axis = call.inputs.x!.shape.length;
  const values = addNode('Unsqueeze', [getInput('x'), addIntegers([axis])]);
  const hits = castToFloat(context, addNode('Equal', [values, addFloats([...Array(size).keys()], [size])]));
  if (getAttribute<boolean | undefined>('binaryOutput')) {
    return addNode('ReduceMax', [hits, addIntegers([axis - 1])], { keepdims: 0 });
  }
  const weights = call.inputs.weights!.shape.includes(0)
    ? undefined
    : addNode('Unsqueeze', [getInput('weights'), addIntegers([axis])]);
  const weighted = weights ? addNode('Mul', [hits, weights]) : hits;
  return addNode('ReduceSum', [weighted, addIntegers([axis - 1])], { keepdims: 0 });
};

/** Lowerings of the kernels that reduce axes or accumulate along an axis. */
export const reductionOps: OpTable = {
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'Prod'].map((name) => [name, createReductionLowering(`Reduce${name}`)]),
  ),
  // Booleans are stored as the numbers 0 and 1.
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
