import { isTensor } from '../inbound.js';
import {
  type Apply,
  applying,
  type Made,
  type Making,
  passing,
  refusal,
  type Translator,
} from '../making.js';
import { ACTIVATION_LAYERS, activationNamed } from './activations.js';
import { affine } from './affine.js';
import { MERGING_LAYERS, subtracting } from './merging.js';
import { SHAPING_LAYERS } from './shaping.js';
import { getItem, stack } from './slicing.js';
import { WINDOW_LAYERS } from './windows.js';

const ADVICE = 'Build the model from layers, or register the operation with `layers`.';

/** The constant of the first call and whether it comes before the tensor; undefined where all operands are tensors. */
function constantOf(making: Making): { numbers: readonly number[]; first: boolean } | undefined {
  const [call, ...more] = making.layer.calls;
  const operands = call?.operands ?? [];
  const at = operands.findIndex((operand) => !isTensor(operand));
  const constant = operands[at];
  if (!constant || isTensor(constant)) return undefined;
  if (operands.length !== 2 || more.length > 0) {
    throw refusal(making, 'one tensor and one constant', `${operands.length} operands`, ADVICE);
  }
  return { numbers: [constant.constant].flat(), first: at === 0 };
}

/** `x · scale + offset` with numbers, one or one a channel. */
function scaled(making: Making, scale: readonly number[], offset: readonly number[]): Apply | Made {
  if (scale.length === 1 && offset.length === 1) {
    return applying(making.make('Rescaling', { scale: scale[0], offset: offset[0] }));
  }
  return affine(making, [], () => [Float32Array.from(scale), Float32Array.from(offset)]);
}

const adding: Translator = (making) => {
  const constant = constantOf(making);
  return constant ? scaled(making, [1], constant.numbers) : applying(making.make('Add', {}));
};

const taking: Translator = (making) => {
  const constant = constantOf(making);
  if (!constant) return subtracting(making);
  const { numbers, first } = constant;
  return first
    ? scaled(making, [-1], numbers)
    : scaled(
        making,
        [1],
        numbers.map((number) => -number),
      );
};

const multiplying: Translator = (making) => {
  const constant = constantOf(making);
  return constant ? scaled(making, constant.numbers, [0]) : applying(making.make('Multiply', {}));
};

const dividing: Translator = (making) => {
  const constant = constantOf(making);
  if (!constant || constant.first || constant.numbers.includes(0)) {
    throw refusal(making, 'a division by numbers', 'another', ADVICE);
  }
  return scaled(
    making,
    constant.numbers.map((number) => 1 / number),
    [0],
  );
};

const merging =
  (className: string): Translator =>
  (making) => {
    if (constantOf(making)) throw refusal(making, `${className} of two tensors`, 'a constant', ADVICE);
    return applying(making.make(className, {}));
  };

/** Over rows and columns of an image, which is what a global pooling does. */
const pooling =
  (className: string): Translator =>
  (making) => {
    const axes = making.config.at('axis');
    const [rows, columns, ...more] = axes.isList ? axes.items().map((axis) => axis.count(-8)) : [];
    const image = making.shapes[0]!.length === 4 && more.length === 0;
    if (!image || !['1 2', '-3 -2'].includes(`${rows} ${columns}`)) {
      throw axes.wrong('rows and columns of an image: [1, 2]', undefined, ADVICE);
    }
    return WINDOW_LAYERS[className]!(making);
  };

const named =
  (word: string): Translator =>
  (making) =>
    activationNamed(making, word);

/** Operations of Keras 3 by class, as `x * 2` and `ops.relu(x)` leave them in a model. */
export const OPERATIONS: { readonly [className: string]: Translator } = {
  Add: adding,
  Subtract: taking,
  Multiply: multiplying,
  Divide: dividing,
  TrueDivide: dividing,
  Negative: (making) => applying(making.make('Rescaling', { scale: -1, offset: 0 })),
  Maximum: merging('Maximum'),
  Minimum: merging('Minimum'),
  Relu: named('relu'),
  Relu6: named('relu6'),
  Sigmoid: named('sigmoid'),
  Silu: named('silu'),
  Tanh: named('tanh'),
  Softplus: named('softplus'),
  Softsign: named('softsign'),
  Selu: named('selu'),
  HardSigmoid: named('hard_sigmoid'),
  HardSilu: named('hard_silu'),
  Softmax: ACTIVATION_LAYERS.Softmax!,
  Concatenate: MERGING_LAYERS.Concatenate!,
  Reshape: SHAPING_LAYERS.Reshape!,
  Mean: pooling('GlobalAveragePooling2D'),
  Max: pooling('GlobalMaxPooling2D'),
  GetItem: getItem,
  Stack: stack,
};

/** Operations of Keras 2, which keeps a function's name: `TFOpLambda` with `math.multiply`. */
const FUNCTIONS: { readonly [name: string]: Translator } = {
  'math.add': adding,
  '__operators__.add': adding,
  'math.subtract': taking,
  'math.multiply': multiplying,
  'math.truediv': dividing,
  'math.divide': dividing,
  'nn.bias_add': adding,
  'math.negative': (making) => applying(making.make('Rescaling', { scale: -1, offset: 0 })),
  'math.maximum': merging('Maximum'),
  'math.minimum': merging('Minimum'),
  'nn.relu': named('relu'),
  'nn.relu6': named('relu6'),
  'math.sigmoid': named('sigmoid'),
  'math.tanh': named('tanh'),
  'nn.silu': named('silu'),
  cast: () => passing,
  identity: () => passing,
};

/** `TFOpLambda` of Keras 2. */
export const functionLayer: Translator = (making) => {
  const name = making.config.at('function').text();
  const translator = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (!translator) throw refusal(making, 'an operation that a stock layer says', name, ADVICE);
  return translator(making);
};
