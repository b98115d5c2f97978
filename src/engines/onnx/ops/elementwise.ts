import { castToBool, castToFloat, truncateToInt32 } from './context/casts.js';
import type { OpLowering, OpTable } from './opRegistry.js';

/** A result that TensorFlow.js keeps as int32 loses its fraction. */
const truncateIntegerResult =
  (operation: OpLowering): OpLowering =>
  (mapping) => {
    const value = operation(mapping) as string;
    return mapping.call.outputs[0]!.dtype === 'int32' ? truncateToInt32(mapping, value) : value;
  };

const createUnaryLowering =
  (operation: string): OpLowering =>
  ({ addNode, getInput }) =>
    addNode(operation, [getInput('x')]);
const createBinaryLowering =
  (operation: string): OpLowering =>
  ({ addNode, getInput }) =>
    addNode(operation, [getInput('a'), getInput('b')]);
const createPredicateLowering =
  (operation: string): OpLowering =>
  (mapping) =>
    castToFloat(mapping, mapping.addNode(operation, [mapping.getInput('x')]));
const createComparisonLowering =
  (operation: string): OpLowering =>
  (mapping) =>
    castToFloat(mapping, mapping.addNode(operation, [mapping.getInput('a'), mapping.getInput('b')]));

const lowerNotEqual: OpLowering = (mapping) => {
  const { addNode, getInput } = mapping;
  return castToFloat(mapping, addNode('Not', [addNode('Equal', [getInput('a'), getInput('b')])]));
};

const lowerCast: OpLowering = (mapping) => {
  const { addNode, getInput, addFloats, call } = mapping;
  const [from, to] = [call.inputs.x!.dtype, call.outputs[0]!.dtype];
  if (to === 'int32' && from === 'float32') return truncateToInt32(mapping, getInput('x'));
  if (to === 'bool' && from !== 'bool') {
    return castToFloat(mapping, addNode('Not', [addNode('Equal', [getInput('x'), addFloats([0])])]));
  }
  return getInput('x');
};

/** 1 + x forgets a small x; what it forgot is put back. Numbers that are not small have none to put back. */
const lowerLog1p: OpLowering = ({ addNode, getInput, addFloats }) => {
  const x = getInput('x');
  const sum = addNode('Add', [x, addFloats([1])]);
  const forgotten = addNode('Div', [addNode('Sub', [x, addNode('Sub', [sum, addFloats([1])])]), sum]);
  const small = addNode('Less', [addNode('Abs', [x]), addFloats([0.5])]);
  const plain = addNode('Log', [sum]);
  return addNode('Where', [small, addNode('Add', [plain, forgotten]), plain]);
};

/** exp(x) - 1 as tanh(x / 2) (exp(x) + 1), which is exact for a small x too. */
const lowerExpm1: OpLowering = ({ addNode, getInput, addFloats }) => {
  const half = addNode('Tanh', [addNode('Mul', [getInput('x'), addFloats([0.5])])]);
  return addNode('Mul', [half, addNode('Add', [addNode('Exp', [getInput('x')]), addFloats([1])])]);
};

/** The remainder has the sign of `b`; ONNX's own for fractions has that of `a`. */
const lowerMod: OpLowering = ({ addNode, getInput, addFloats }) => {
  const [a, b] = [getInput('a'), getInput('b')];
  const truncated = addNode('Mod', [a, b], { fmod: 1 });
  const negative = (value: string) => addNode('Less', [value, addFloats([0])]);
  const turned = addNode('Mod', [addNode('Add', [truncated, b]), b], { fmod: 1 });
  return addNode('Where', [addNode('Xor', [negative(a), negative(b)]), turned, truncated]);
};

/** ONNX has the arc tangent of one number only. */
const lowerAtan2: OpLowering = ({ addNode, getInput, addFloats }) => {
  const [a, b] = [getInput('a'), getInput('b')];
  const zero = addFloats([0]);
  const behind = addNode('Where', [addNode('Less', [a, zero]), addFloats([-Math.PI]), addFloats([Math.PI])]);
  const turn = addNode('Where', [addNode('Less', [b, zero]), behind, zero]);
  const angle = addNode('Add', [addNode('Atan', [addNode('Div', [a, b])]), turn]);
  const upright = addNode('Mul', [addNode('Sign', [a]), addFloats([Math.PI / 2])]);
  return addNode('Where', [addNode('Equal', [b, zero]), upright, angle]);
};

/** `{ dy, y }`: for an elu that came out below zero, the slope is y + 1. */
const lowerEluGradient: OpLowering = ({ addNode, getInput, addFloats }) => {
  const [dy, y] = [getInput('dy'), getInput('y')];
  const below = addNode('Mul', [dy, addNode('Add', [y, addFloats([1])])]);
  return addNode('Where', [addNode('Less', [y, addFloats([0])]), below, dy]);
};

const createOpTable = (
  names: readonly (string | readonly [string, string])[],
  to: (name: string) => OpLowering,
) =>
  Object.fromEntries(
    names.map((name) => (typeof name === 'string' ? [name, to(name)] : [name[0], to(name[1])])),
  );

/** Kernels that make each number of a tensor, or of two that are broadcast to each other, by itself. */
export const elementwiseOps: OpTable = {
  ...createOpTable(
    [
      ...['Relu', 'Elu', 'Selu', 'Sigmoid', 'Tanh', 'Softplus', 'Erf', 'Exp', 'Log', 'Sqrt', 'Reciprocal'],
      ...['Neg', 'Abs', 'Floor', 'Ceil', 'Round', 'Sign', 'Identity'],
      ...['Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh'],
    ],
    (name) => truncateIntegerResult(createUnaryLowering(name)),
  ),
  ...createOpTable(
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
    createBinaryLowering,
  ),
  ...createOpTable(
    ['Greater', ['GreaterEqual', 'GreaterOrEqual'], 'Less', ['LessEqual', 'LessOrEqual'], 'Equal'],
    createComparisonLowering,
  ),
  NotEqual: lowerNotEqual,
  LogicalXor: lowerNotEqual,
  LogicalNot: ({ addNode, getInput, addFloats }) => addNode('Sub', [addFloats([1]), getInput('x')]),
  IsNan: createPredicateLowering('IsNaN'),
  IsInf: createPredicateLowering('IsInf'),
  IsFinite: (mapping) => {
    const { addNode, getInput } = mapping;
    const odd = addNode('Or', [addNode('IsNaN', [getInput('x')]), addNode('IsInf', [getInput('x')])]);
    return castToFloat(mapping, addNode('Not', [odd]));
  },
  Select: (mapping) =>
    mapping.addNode('Where', [
      castToBool(mapping, mapping.getInput('condition')),
      mapping.getInput('t'),
      mapping.getInput('e'),
    ]),
  Pow: truncateIntegerResult(createBinaryLowering('Pow')),
  Mod: lowerMod,
  FloorDiv: ({ addNode, getInput }) => addNode('Floor', [addNode('Div', [getInput('a'), getInput('b')])]),
  Atan2: truncateIntegerResult(lowerAtan2),
  SquaredDifference: ({ addNode, getInput }) => {
    const difference = addNode('Sub', [getInput('a'), getInput('b')]);
    return addNode('Mul', [difference, difference]);
  },
  AddN: ({ addNode, getInput, call }) =>
    addNode(
      'Sum',
      Object.keys(call.inputs).map((name) => getInput(name)),
    ),
  Cast: lowerCast,
  Square: ({ addNode, getInput }) => addNode('Mul', [getInput('x'), getInput('x')]),
  Rsqrt: truncateIntegerResult(({ addNode, getInput }) =>
    addNode('Reciprocal', [addNode('Sqrt', [getInput('x')])]),
  ),
  Log1p: truncateIntegerResult(lowerLog1p),
  Expm1: truncateIntegerResult(lowerExpm1),
  Step: ({ addNode, getInput, addFloats, getAttribute }) => {
    const open = addNode('Greater', [getInput('x'), addFloats([0])]);
    return addNode('Where', [
      open,
      addFloats([1]),
      addFloats([getAttribute<number | undefined>('alpha') ?? 0]),
    ]);
  },
  Relu6: ({ addNode, getInput, addFloats }) =>
    addNode('Clip', [getInput('x'), addFloats([0]), addFloats([6])]),
  LeakyRelu: ({ addNode, getInput, getAttribute }) =>
    addNode('LeakyRelu', [getInput('x')], { alpha: { float: getAttribute<number>('alpha') } }),
  Prelu: ({ addNode, getInput }) => addNode('PRelu', [getInput('x'), getInput('alpha')]),
  EluGrad: lowerEluGradient,
  ClipByValue: ({ addNode, getInput, addFloats, getAttribute }) =>
    addNode('Clip', [
      getInput('x'),
      addFloats([getAttribute<number>('clipValueMin')]),
      addFloats([getAttribute<number>('clipValueMax')]),
    ]),
};
