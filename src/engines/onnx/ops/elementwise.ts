import { castToBool, castToFloat, truncateToInt32 } from './context/casts.js';
import { CLIP_GRADIENT, RELU_GRADIENT, SWISH, SWISH_GRADIENT } from './context/fusedKernels.js';
import type { LoweringContext, OpLowering, OpTable } from './context/loweringContext.js';
import { addReluGradient } from './gradients/biasReluGradient.js';

/**
 * Wraps a lowering so that its result is truncated to an integer if the result is int32 in TensorFlow.js. This is necessary because all
 * values in the ONNX graph are float32.
 */
const truncateIntegerResult =
  (lower: OpLowering): OpLowering =>
  (context) => {
    const value = lower(context) as string;
    return context.call.outputs[0]!.dtype === 'int32' ? truncateToInt32(context, value) : value;
  };

const createUnaryLowering =
  (opType: string): OpLowering =>
  ({ addNode, getInput }) =>
    addNode(opType, [getInput('x')]);
const createBinaryLowering =
  (opType: string): OpLowering =>
  ({ addNode, getInput }) =>
    addNode(opType, [getInput('a'), getInput('b')]);
const createPredicateLowering =
  (opType: string): OpLowering =>
  (context) =>
    castToFloat(context, context.addNode(opType, [context.getInput('x')]));
const createComparisonLowering =
  (opType: string): OpLowering =>
  (context) =>
    castToFloat(context, context.addNode(opType, [context.getInput('a'), context.getInput('b')]));

const lowerNotEqual: OpLowering = (context) => {
  const { addNode, getInput } = context;
  return castToFloat(context, addNode('Not', [addNode('Equal', [getInput('a'), getInput('b')])]));
};

const lowerCast: OpLowering = (context) => {
  const { addNode, getInput, addFloats, call } = context;
  const [from, to] = [call.inputs.x!.dtype, call.outputs[0]!.dtype];
  if (to === 'int32' && from === 'float32') return truncateToInt32(context, getInput('x'));
  if (to === 'bool' && from !== 'bool') {
    return castToFloat(context, addNode('Not', [addNode('Equal', [getInput('x'), addFloats([0])])]));
  }
  return getInput('x');
};

/** Lowers log(1 + x). For small x, the sum 1 + x loses digits of x, so a correction for its rounding error is added to the logarithm. */
const lowerLog1p: OpLowering = ({ addNode, getInput, addFloats }) => {
  const x = getInput('x');
  const sum = addNode('Add', [x, addFloats([1])]);
  const correction = addNode('Div', [addNode('Sub', [x, addNode('Sub', [sum, addFloats([1])])]), sum]);
  const isSmall = addNode('Less', [addNode('Abs', [x]), addFloats([0.5])]);
  const log = addNode('Log', [sum]);
  return addNode('Where', [isSmall, addNode('Add', [log, correction]), log]);
};

/** Lowers exp(x) - 1 as tanh(x / 2) * (exp(x) + 1), which remains accurate for small x. */
const lowerExpm1: OpLowering = ({ addNode, getInput, addFloats }) => {
  const tanh = addNode('Tanh', [addNode('Mul', [getInput('x'), addFloats([0.5])])]);
  return addNode('Mul', [tanh, addNode('Add', [addNode('Exp', [getInput('x')]), addFloats([1])])]);
};

/** Lowers the remainder of a / b, which has the sign of `b` in TensorFlow.js. The remainder of floats in ONNX has the sign of `a`. */
const lowerMod: OpLowering = ({ addNode, getInput, addFloats }) => {
  const [a, b] = [getInput('a'), getInput('b')];
  const truncated = addNode('Mod', [a, b], { fmod: 1 });
  const isNegative = (value: string) => addNode('Less', [value, addFloats([0])]);
  const floored = addNode('Mod', [addNode('Add', [truncated, b]), b], { fmod: 1 });
  return addNode('Where', [addNode('Xor', [isNegative(a), isNegative(b)]), floored, truncated]);
};

/**
 * Lowers the two-argument arctangent. Because ONNX has no Atan2, the result is composed of the one-argument arctangent and a correction for
 * the quadrant.
 */
const lowerAtan2: OpLowering = ({ addNode, getInput, addFloats }) => {
  const [a, b] = [getInput('a'), getInput('b')];
  const zero = addFloats([0]);
  const halfTurn = addNode('Where', [
    addNode('Less', [a, zero]),
    addFloats([-Math.PI]),
    addFloats([Math.PI]),
  ]);
  const offset = addNode('Where', [addNode('Less', [b, zero]), halfTurn, zero]);
  const angle = addNode('Add', [addNode('Atan', [addNode('Div', [a, b])]), offset]);
  const vertical = addNode('Mul', [addNode('Sign', [a]), addFloats([Math.PI / 2])]);
  return addNode('Where', [addNode('Equal', [b, zero]), vertical, angle]);
};

/**
 * Lowers the gradient of ELU from its output `y` and the incoming gradient `dy`. The slope is y + 1 where `y` is negative, and 1 elsewhere.
 */
const lowerEluGradient: OpLowering = ({ addNode, getInput, addFloats }) => {
  const [dy, y] = [getInput('dy'), getInput('y')];
  const scaled = addNode('Mul', [dy, addNode('Add', [y, addFloats([1])])]);
  return addNode('Where', [addNode('Less', [y, addFloats([0])]), scaled, dy]);
};

/**
 * Lowers the gradient of clipping. A gradient of NaN remains NaN where the result is otherwise 0, as in the gradient of ReLU. `Where`, which
 * would return 0 there, takes several times as long.
 */
const lowerClipGradient: OpLowering = (context) => {
  const { addNode, getInput, addFloats, getAttribute } = context;
  const [x, dy] = [getInput('x'), getInput('dy')];
  const comparison = getAttribute<boolean | undefined>('excludesMin') ? 'Greater' : 'GreaterOrEqual';
  const isAbove = addNode(comparison, [x, addFloats([getAttribute<number>('min')])]);
  const isBelow = addNode('LessOrEqual', [x, addFloats([getAttribute<number>('max')])]);
  return addNode('Mul', [dy, castToFloat(context, addNode('And', [isAbove, isBelow]))]);
};

/** Lowers the gradient of swish, `dy * (s * (1 - y) + y)`, where `s` is the sigmoid of `x`, and `y` is swish. */
const lowerSwishGradient: OpLowering = (context) => {
  const { addNode, getInput, addFloats } = context;
  const y = addSwish(context);
  const complement = addNode('Sub', [addFloats([1]), y]);
  const slope = addNode('Add', [addNode('Mul', [addNode('Sigmoid', [getInput('x')]), complement]), y]);
  return addNode('Mul', [getInput('dy'), slope]);
};

/** Adds a node for swish. The forward pass and the gradient add equal nodes, which are merged. */
const addSwish = ({ addNode, getInput }: LoweringContext) =>
  addNode('com.microsoft:QuickGelu', [getInput('x')], { alpha: { float: 1 } });

/**
 * Creates a table of lowerings. Each element of `kernels` is a name, or a pair of names if the TensorFlow.js kernel and the ONNX operation
 * have different names.
 */
const createOpTable = (
  kernels: readonly (string | readonly [kernel: string, opType: string])[],
  createLowering: (opType: string) => OpLowering,
) =>
  Object.fromEntries(
    kernels.map((entry) =>
      typeof entry === 'string' ? [entry, createLowering(entry)] : [entry[0], createLowering(entry[1])],
    ),
  );

/** Lowerings of the element-wise kernels, with one input or with two inputs that are broadcast. */
export const elementwiseOps: OpTable = {
  ...createOpTable(
    [
      ...['Relu', 'Elu', 'Selu', 'Sigmoid', 'Tanh', 'Softplus', 'Erf', 'Exp', 'Log', 'Sqrt', 'Reciprocal'],
      ...['Neg', 'Abs', 'Floor', 'Ceil', 'Round', 'Sign', 'Identity'],
      ...['Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh'],
    ],
    (opType) => truncateIntegerResult(createUnaryLowering(opType)),
  ),
  ...createOpTable(
    [
      'Add',
      'Sub',
      ['Multiply', 'Mul'],
      ['RealDiv', 'Div'],
      ['Maximum', 'Max'],
      ['Minimum', 'Min'],
      // Booleans are stored as the numbers 0 and 1.
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
  IsFinite: (context) => {
    const { addNode, getInput } = context;
    const isNotFinite = addNode('Or', [addNode('IsNaN', [getInput('x')]), addNode('IsInf', [getInput('x')])]);
    return castToFloat(context, addNode('Not', [isNotFinite]));
  },
  Select: (context) =>
    context.addNode('Where', [
      castToBool(context, context.getInput('condition')),
      context.getInput('t'),
      context.getInput('e'),
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
    const isPositive = addNode('Greater', [getInput('x'), addFloats([0])]);
    return addNode('Where', [
      isPositive,
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
  [SWISH]: addSwish,
  [SWISH_GRADIENT]: lowerSwishGradient,
  [CLIP_GRADIENT]: lowerClipGradient,
  [RELU_GRADIENT]: (context) => addReluGradient(context, context.getInput('x'), context.getInput('dy')),
  ClipByValue: ({ addNode, getInput, addFloats, getAttribute }) =>
    addNode('Clip', [
      getInput('x'),
      addFloats([getAttribute<number>('clipValueMin')]),
      addFloats([getAttribute<number>('clipValueMax')]),
    ]),
};
