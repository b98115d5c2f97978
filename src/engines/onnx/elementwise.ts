import { asNumber, asTruth, cut } from './numbers.js';
import type { Operation, Operations } from './operations.js';

/** A result that TensorFlow.js keeps as int32 loses its fraction. */
const whole =
  (operation: Operation): Operation =>
  (mapping) => {
    const value = operation(mapping) as string;
    return mapping.call.outputs[0]!.dtype === 'int32' ? cut(mapping, value) : value;
  };

const unary =
  (operation: string): Operation =>
  ({ node, input }) =>
    node(operation, [input('x')]);
const binary =
  (operation: string): Operation =>
  ({ node, input }) =>
    node(operation, [input('a'), input('b')]);
const test =
  (operation: string): Operation =>
  (mapping) =>
    asNumber(mapping, mapping.node(operation, [mapping.input('x')]));
const comparison =
  (operation: string): Operation =>
  (mapping) =>
    asNumber(mapping, mapping.node(operation, [mapping.input('a'), mapping.input('b')]));

const different: Operation = (mapping) => {
  const { node, input } = mapping;
  return asNumber(mapping, node('Not', [node('Equal', [input('a'), input('b')])]));
};

const cast: Operation = (mapping) => {
  const { node, input, floats, call } = mapping;
  const [from, to] = [call.inputs.x!.dtype, call.outputs[0]!.dtype];
  if (to === 'int32' && from === 'float32') return cut(mapping, input('x'));
  if (to === 'bool' && from !== 'bool') {
    return asNumber(mapping, node('Not', [node('Equal', [input('x'), floats([0])])]));
  }
  return input('x');
};

/** 1 + x forgets a small x; what it forgot is put back. Numbers that are not small have none to put back. */
const log1p: Operation = ({ node, input, floats }) => {
  const x = input('x');
  const sum = node('Add', [x, floats([1])]);
  const forgotten = node('Div', [node('Sub', [x, node('Sub', [sum, floats([1])])]), sum]);
  const small = node('Less', [node('Abs', [x]), floats([0.5])]);
  const plain = node('Log', [sum]);
  return node('Where', [small, node('Add', [plain, forgotten]), plain]);
};

/** exp(x) - 1 as tanh(x / 2) (exp(x) + 1), which is exact for a small x too. */
const expm1: Operation = ({ node, input, floats }) => {
  const half = node('Tanh', [node('Mul', [input('x'), floats([0.5])])]);
  return node('Mul', [half, node('Add', [node('Exp', [input('x')]), floats([1])])]);
};

/** The remainder has the sign of `b`; ONNX's own for fractions has that of `a`. */
const mod: Operation = ({ node, input, floats }) => {
  const [a, b] = [input('a'), input('b')];
  const truncated = node('Mod', [a, b], { fmod: 1 });
  const negative = (value: string) => node('Less', [value, floats([0])]);
  const turned = node('Mod', [node('Add', [truncated, b]), b], { fmod: 1 });
  return node('Where', [node('Xor', [negative(a), negative(b)]), turned, truncated]);
};

/** ONNX has the arc tangent of one number only. */
const atan2: Operation = ({ node, input, floats }) => {
  const [a, b] = [input('a'), input('b')];
  const zero = floats([0]);
  const behind = node('Where', [node('Less', [a, zero]), floats([-Math.PI]), floats([Math.PI])]);
  const turn = node('Where', [node('Less', [b, zero]), behind, zero]);
  const angle = node('Add', [node('Atan', [node('Div', [a, b])]), turn]);
  const upright = node('Mul', [node('Sign', [a]), floats([Math.PI / 2])]);
  return node('Where', [node('Equal', [b, zero]), upright, angle]);
};

/** `{ dy, y }`: for an elu that came out below zero, the slope is y + 1. */
const eluGradient: Operation = ({ node, input, floats }) => {
  const [dy, y] = [input('dy'), input('y')];
  const below = node('Mul', [dy, node('Add', [y, floats([1])])]);
  return node('Where', [node('Less', [y, floats([0])]), below, dy]);
};

const table = (names: readonly (string | readonly [string, string])[], to: (name: string) => Operation) =>
  Object.fromEntries(
    names.map((name) => (typeof name === 'string' ? [name, to(name)] : [name[0], to(name[1])])),
  );

/** Kernels that make each number of a tensor, or of two that are broadcast to each other, by itself. */
export const elementwise: Operations = {
  ...table(
    [
      ...['Relu', 'Elu', 'Selu', 'Sigmoid', 'Tanh', 'Softplus', 'Erf', 'Exp', 'Log', 'Sqrt', 'Reciprocal'],
      ...['Neg', 'Abs', 'Floor', 'Ceil', 'Round', 'Sign', 'Identity'],
      ...['Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh'],
    ],
    (name) => whole(unary(name)),
  ),
  ...table(
    [
      'Add',
      'Sub',
      ['Multiply', 'Mul'],
      ['RealDiv', 'Div'],
      ['Maximum', 'Max'],
      ['Minimum', 'Min'],
      // Truths are 0 and 1.
      ['LogicalAnd', 'Mul'],
      ['LogicalOr', 'Max'],
    ],
    binary,
  ),
  ...table(
    ['Greater', ['GreaterEqual', 'GreaterOrEqual'], 'Less', ['LessEqual', 'LessOrEqual'], 'Equal'],
    comparison,
  ),
  NotEqual: different,
  LogicalXor: different,
  LogicalNot: ({ node, input, floats }) => node('Sub', [floats([1]), input('x')]),
  IsNan: test('IsNaN'),
  IsInf: test('IsInf'),
  IsFinite: (mapping) => {
    const { node, input } = mapping;
    const odd = node('Or', [node('IsNaN', [input('x')]), node('IsInf', [input('x')])]);
    return asNumber(mapping, node('Not', [odd]));
  },
  Select: (mapping) =>
    mapping.node('Where', [
      asTruth(mapping, mapping.input('condition')),
      mapping.input('t'),
      mapping.input('e'),
    ]),
  Pow: whole(binary('Pow')),
  Mod: mod,
  FloorDiv: ({ node, input }) => node('Floor', [node('Div', [input('a'), input('b')])]),
  Atan2: whole(atan2),
  SquaredDifference: ({ node, input }) => {
    const difference = node('Sub', [input('a'), input('b')]);
    return node('Mul', [difference, difference]);
  },
  AddN: ({ node, input, call }) =>
    node(
      'Sum',
      Object.keys(call.inputs).map((name) => input(name)),
    ),
  Cast: cast,
  Square: ({ node, input }) => node('Mul', [input('x'), input('x')]),
  Rsqrt: whole(({ node, input }) => node('Reciprocal', [node('Sqrt', [input('x')])])),
  Log1p: whole(log1p),
  Expm1: whole(expm1),
  Step: ({ node, input, floats, attribute }) => {
    const open = node('Greater', [input('x'), floats([0])]);
    return node('Where', [open, floats([1]), floats([attribute<number | undefined>('alpha') ?? 0])]);
  },
  Relu6: ({ node, input, floats }) => node('Clip', [input('x'), floats([0]), floats([6])]),
  LeakyRelu: ({ node, input, attribute }) =>
    node('LeakyRelu', [input('x')], { alpha: { float: attribute<number>('alpha') } }),
  Prelu: ({ node, input }) => node('PRelu', [input('x'), input('alpha')]),
  EluGrad: eluGradient,
  ClipByValue: ({ node, input, floats, attribute }) =>
    node('Clip', [
      input('x'),
      floats([attribute<number>('clipValueMin')]),
      floats([attribute<number>('clipValueMax')]),
    ]),
};
