import { asNumber } from './numbers.js';
import type { Operation, Operations } from './operations.js';

type Axes = number | readonly number[] | null | undefined;

/** Over `axes`, counted from either end. */
const reduction =
  (operation: string): Operation =>
  ({ node, input, integers, attribute, call }) => {
    const name = Object.keys(call.inputs)[0]!;
    // Max calls its axes otherwise.
    const axis = attribute<Axes>('axis') ?? attribute<Axes>('reductionIndices');
    const axes = axis == null ? call.inputs[name]!.shape.map((_, i) => i) : [axis].flat();
    const keepdims = attribute<boolean | undefined>('keepDims') ? 1 : 0;
    if (axes.length === 0) return input(name);
    return node(operation, [input(name), integers(axes as number[])], { keepdims });
  };

/** The place of the first largest, or smallest. */
const place =
  (operation: 'ArgMax' | 'ArgMin'): Operation =>
  (mapping) => {
    const { node, input, attribute } = mapping;
    const axis = [attribute<number | readonly number[]>('axis')].flat()[0] as number;
    return asNumber(mapping, node(operation, [input('x')], { axis, keepdims: 0 }));
  };

const cumulativeSum: Operation = ({ node, input, integers, attribute }) => {
  const [exclusive, reverse] = ['exclusive', 'reverse'].map((name) => (attribute<boolean>(name) ? 1 : 0));
  const axis = node('Squeeze', [integers([attribute<number>('axis')])]);
  return node('CumSum', [input('x'), axis], { exclusive: exclusive!, reverse: reverse! });
};

/** ONNX has none: for each place, the product of a copy in which all places it does not count are 1. */
const cumulativeProduct: Operation = ({ node, input, integers, floats, attribute, call }) => {
  const { shape } = call.inputs.x!;
  const axis = attribute<number>('axis');
  const size = shape[axis]!;
  const [exclusive, reverse] = [attribute<boolean>('exclusive'), attribute<boolean>('reverse')];
  const counts = (to: number, from: number) => {
    const ahead = reverse ? from - to : to - from;
    return exclusive ? ahead > 0 : ahead >= 0;
  };
  const pairs = Array.from({ length: size * size }, (_, i) =>
    counts(Math.floor(i / size), i % size) ? 1 : 0,
  );
  const mask = floats(pairs, [size, size, ...shape.slice(axis + 1).map(() => 1)]);
  const copies = node('Unsqueeze', [input('x'), integers([axis])]);
  const counted = node('Where', [node('Greater', [mask, floats([0])]), copies, floats([1])]);
  return node('ReduceProd', [counted, integers([axis + 1])], { keepdims: 0 });
};

const largest: Operation = (mapping) => {
  const { nodes, input, integers, attribute } = mapping;
  const k = attribute<number>('k');
  const [values, places] = nodes('TopK', [input('x'), integers([k])], { axis: -1, largest: 1, sorted: 1 }, 2);
  return [values!, asNumber(mapping, places!)];
};

/** How often each number below `size` occurs, in all of `x` or in each of its rows; or the weights at those places, added up. */
const count: Operation = (mapping) => {
  const { node, input, integers, floats, attribute, call } = mapping;
  const size = attribute<number>('size');
  const axis = call.inputs.x!.shape.length;
  const each = node('Unsqueeze', [input('x'), integers([axis])]);
  const hits = asNumber(mapping, node('Equal', [each, floats([...Array(size).keys()], [size])]));
  if (attribute<boolean | undefined>('binaryOutput')) {
    return node('ReduceMax', [hits, integers([axis - 1])], { keepdims: 0 });
  }
  const weights = call.inputs.weights!.shape.includes(0)
    ? undefined
    : node('Unsqueeze', [input('weights'), integers([axis])]);
  const weighed = weights ? node('Mul', [hits, weights]) : hits;
  return node('ReduceSum', [weighed, integers([axis - 1])], { keepdims: 0 });
};

/** Kernels that make fewer numbers of many, or one of those before it. */
export const reductions: Operations = {
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'Prod'].map((name) => [name, reduction(`Reduce${name}`)]),
  ),
  // Truths are 0 and 1.
  All: reduction('ReduceMin'),
  Any: reduction('ReduceMax'),
  ArgMax: place('ArgMax'),
  ArgMin: place('ArgMin'),
  Cumsum: cumulativeSum,
  Cumprod: cumulativeProduct,
  Softmax: ({ node, input, call }) =>
    node('Softmax', [input('logits')], { axis: call.inputs.logits!.shape.length - 1 }),
  TopK: largest,
  Bincount: count,
  DenseBincount: count,
};
