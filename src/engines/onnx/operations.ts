import type { Attribute } from './format.js';
import {
  batchNormGradient,
  batchNormTraining,
  biasReluGradient,
  convolutionFilter,
  convolutionInput,
  maxPoolGradient,
} from './gradients.js';
import type { Mapping } from './graph.js';
import { convolution, depthwise, pool, resize } from './images.js';

/** What a kernel of TensorFlow.js is in ONNX: one value, or one an output. */
export type Operation = (mapping: Mapping) => string | readonly string[];

const unary =
  (operation: string): Operation =>
  ({ node, input }) =>
    node(operation, [input('x')]);
const binary =
  (operation: string): Operation =>
  ({ node, input }) =>
    node(operation, [input('a'), input('b')]);

/** ONNX's numbers of its types. */
const [FLOAT, INT32, BOOL] = [1, 6, 9];

type Axes = number | readonly number[] | undefined;

/** Over `axes`, counted from either end. */
const reduction =
  (operation: string): Operation =>
  ({ node, input, integers, attribute, call }) => {
    const name = Object.keys(call.inputs)[0]!;
    // Max calls its axes otherwise.
    const axis = attribute<Axes>('axis') ?? attribute<Axes>('reductionIndices');
    const axes = axis === undefined ? call.inputs[name]!.shape.map((_, i) => i) : [axis].flat();
    const keepdims = attribute<boolean | undefined>('keepDims') ? 1 : 0;
    if (axes.length === 0) return input(name);
    return node(operation, [input(name), integers(axes as number[])], { keepdims });
  };

/** Numbers that are their input in another shape. */
const reshaped =
  (name: string): Operation =>
  ({ node, input, outputShape }) =>
    node('Reshape', [input(name), outputShape()]);

/** ONNX's truth as the 0 and 1 that TensorFlow.js has. */
const asNumber = ({ node }: Mapping, truth: string) => node('Cast', [truth], { to: FLOAT });
const comparison =
  (operation: string): Operation =>
  (mapping) =>
    asNumber(mapping, mapping.node(operation, [mapping.input('a'), mapping.input('b')]));

/** What follows a fused kernel: `value` through the activation that its attributes name. */
export function activated({ node, attribute, optional, floats }: Mapping, value: string): string {
  const activation = attribute<string | undefined>('activation') ?? 'linear';
  switch (activation) {
    case 'linear':
      return value;
    case 'relu6':
      return node('Clip', [value, floats([0]), floats([6])]);
    case 'leakyrelu':
      return node('LeakyRelu', [value], { alpha: { float: attribute<number>('leakyreluAlpha') ?? 0.2 } });
    case 'prelu':
      return node('PRelu', [value, optional('preluActivationWeights')!]);
    default:
      return node(activation[0]!.toUpperCase() + activation.slice(1), [value]); // relu, sigmoid, elu
  }
}

const matMul: Operation = (mapping) => {
  const { node, input, optional, attribute, call } = mapping;
  const side = (name: 'a' | 'b', turned: boolean) => {
    const rank = call.inputs[name]!.shape.length;
    const order = Array.from({ length: rank }, (_, i) => i);
    order.push(...order.splice(-2).reverse());
    return turned ? mapping.transposed(name, order) : input(name);
  };
  const product = node('MatMul', [
    side('a', attribute<boolean>('transposeA')),
    side('b', attribute<boolean>('transposeB')),
  ]);
  const bias = optional('bias');
  return activated(mapping, bias === undefined ? product : node('Add', [product, bias]));
};

const batchNorm: Operation = ({ node, input, optional, floats, attribute }) => {
  const deviation = node('Sqrt', [
    node('Add', [input('variance'), floats([attribute<number>('varianceEpsilon') ?? 0.001])]),
  ]);
  const normalised = node('Div', [node('Sub', [input('x'), input('mean')]), deviation]);
  const scale = optional('scale');
  const offset = optional('offset');
  const scaled = scale === undefined ? normalised : node('Mul', [normalised, scale]);
  return offset === undefined ? scaled : node('Add', [scaled, offset]);
};

const padded: Operation = ({ node, input, integers, floats, attribute }) => {
  const paddings = attribute<readonly (readonly [number, number])[]>('paddings');
  const pads = integers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  return node('Pad', [input('x'), pads, floats([attribute<number>('constantValue') ?? 0])]);
};

const sliced: Operation = ({ node, input, integers, attribute, call }) => {
  const { shape } = call.inputs.x!;
  const begin = [attribute<number | readonly number[]>('begin')].flat() as number[];
  const size = call.outputs[0]!.shape;
  // An axis taken whole ends beyond any size, so that the batch stays free.
  const axes = shape.flatMap((whole, axis) => (size[axis] === whole ? [] : [axis]));
  if (axes.length === 0) return input('x');
  const from = axes.map((axis) => begin[axis] ?? 0);
  const to = axes.map((axis, i) => from[i]! + size[axis]!);
  return node('Slice', [input('x'), integers(from), integers(to), integers(axes)]);
};

const joined: Operation = ({ node, input, attribute, call }) =>
  node(
    'Concat',
    Object.keys(call.inputs).map((name) => input(name)),
    { axis: attribute<number>('axis') },
  );

/** One output a part. */
const parted: Operation = ({ nodes, input, integers, attribute, call }) => {
  const axis = attribute<number>('axis');
  const sizes = call.outputs.map(({ shape }) => shape.at(axis)!);
  return nodes('Split', [input('x'), integers(sizes)], { axis }, sizes.length);
};

const softmax: Operation = ({ node, input, call }) =>
  node('Softmax', [input('logits')], { axis: call.inputs.logits!.shape.length - 1 });

/** Kernels of TensorFlow.js by name. */
export const operations: { readonly [kernel: string]: Operation | undefined } = {
  ...Object.fromEntries(
    [
      ...['Relu', 'Elu', 'Selu', 'Sigmoid', 'Tanh', 'Softplus', 'Erf', 'Exp', 'Log', 'Sqrt', 'Neg', 'Abs'],
      ...['Floor', 'Ceil', 'Round', 'Sign', 'Reciprocal', 'Sin', 'Cos', 'Tan', 'Identity'],
    ].map((name) => [name, unary(name)]),
  ),
  ...Object.fromEntries(
    [
      ...(['Add', 'Sub', 'Pow'] as const).map((name) => [name, name] as const),
      ...([
        ['Multiply', 'Mul'],
        ['RealDiv', 'Div'],
        ['Maximum', 'Max'],
        ['Minimum', 'Min'],
      ] as const),
    ].map(([kernel, operation]) => [kernel, binary(operation)]),
  ),
  ...Object.fromEntries(
    (['Sum', 'Mean', 'Max', 'Min', 'Prod'] as const).map((name) => [name, reduction(`Reduce${name}`)]),
  ),
  // The graph holds float32 alone; a cast to whole numbers cuts what stands behind the point.
  Cast: ({ node, input, call }) => {
    const whole = call.outputs[0]!.dtype !== 'float32' && call.inputs.x!.dtype === 'float32';
    return whole ? node('Cast', [node('Cast', [input('x')], { to: INT32 })], { to: FLOAT }) : input('x');
  },
  AddN: ({ node, input, call }) =>
    node(
      'Sum',
      Object.keys(call.inputs).map((name) => input(name)),
    ),
  Rsqrt: ({ node, input }) => node('Reciprocal', [node('Sqrt', [input('x')])]),
  Square: ({ node, input }) => node('Mul', [input('x'), input('x')]),
  SquaredDifference: ({ node, input }) => {
    const difference = node('Sub', [input('a'), input('b')]);
    return node('Mul', [difference, difference]);
  },
  Log1p: ({ node, input, floats }) => node('Log', [node('Add', [input('x'), floats([1])])]),
  Expm1: ({ node, input, floats }) => node('Sub', [node('Exp', [input('x')]), floats([1])]),
  Relu6: ({ node, input, floats }) => node('Clip', [input('x'), floats([0]), floats([6])]),
  LeakyRelu: ({ node, input, attribute }) =>
    node('LeakyRelu', [input('x')], { alpha: { float: attribute<number>('alpha') } }),
  Prelu: ({ node, input }) => node('PRelu', [input('x'), input('alpha')]),
  ClipByValue: ({ node, input, floats, attribute }) =>
    node('Clip', [
      input('x'),
      floats([attribute<number>('clipValueMin')]),
      floats([attribute<number>('clipValueMax')]),
    ]),
  ...Object.fromEntries((['Greater', 'Less', 'Equal'] as const).map((name) => [name, comparison(name)])),
  GreaterEqual: comparison('GreaterOrEqual'),
  LessEqual: comparison('LessOrEqual'),
  LogicalAnd: binary('Mul'),
  LogicalOr: binary('Max'),
  LogicalNot: ({ node, input, floats }) => node('Sub', [floats([1]), input('x')]),
  Select: ({ node, input }) =>
    node('Where', [node('Cast', [input('condition')], { to: BOOL }), input('t'), input('e')]),
  Step: ({ node, input, floats, attribute }) => {
    const open = node('Greater', [input('x'), floats([0])]);
    return node('Where', [open, floats([1]), floats([attribute<number | undefined>('alpha') ?? 0])]);
  },
  ZerosLike: ({ node, input, floats }) => node('Mul', [input('x'), floats([0])]),
  Pack: ({ node, input, integers, attribute, call }) => {
    const axis = integers([attribute<number>('axis')]);
    const parts = Object.keys(call.inputs).map((name) => node('Unsqueeze', [input(name), axis]));
    return node('Concat', parts, { axis: attribute<number>('axis') });
  },
  Conv2DBackpropInput: convolutionInput,
  Conv2DBackpropFilter: convolutionFilter,
  MaxPoolGrad: maxPoolGradient,
  MultitaskBiasReluGradient: biasReluGradient,
  MultitaskBatchNorm: batchNormTraining,
  MultitaskBatchNormGradient: batchNormGradient,
  Softmax: softmax,
  Reshape: reshaped('x'),
  ExpandDims: reshaped('input'),
  Transpose: ({ node, input, attribute }) =>
    node('Transpose', [input('x')], { perm: attribute<Attribute>('perm') }),
  Concat: joined,
  Slice: sliced,
  SplitV: parted,
  Pad: padded,
  PadV2: padded,
  BatchMatMul: matMul,
  _FusedMatMul: matMul,
  FusedBatchNorm: batchNorm,
  Conv2D: convolution,
  FusedConv2D: convolution,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2D: depthwise,
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AveragePool'),
  ResizeBilinear: resize('linear'),
  ResizeNearestNeighbor: resize('nearest'),
};
