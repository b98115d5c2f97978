import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { JsonPart } from '../jsonPart.js';
import { type Apply, apply, applying, type Making, refusal, type Translator } from '../making.js';
import { ACTIVATIONS } from '../names.js';

type Function = (input: SymbolicTensor) => SymbolicTensor;

/** Keras's name to TensorFlow.js's, of functions that are the same in both. */
const STOCK: { readonly [keras: string]: string } = {
  ...Object.fromEntries(Object.entries(ACTIVATIONS).map(([tfjs, keras]) => [keras, tfjs])),
  swish: 'swish',
};

const ADVICE = 'Use an activation that TensorFlow.js has, or register the layer with `layers`.';

/** `activation` of a layer: a word, or a layer without weights in its place. Missing is linear. */
function wordOf(part: JsonPart): string | undefined {
  if (part.missing) return 'linear';
  if (!part.isRecord) return part.text();
  // The first versions of Keras 3 wrote a function as an object.
  return part.at('class_name').value === 'function' ? part.at('config').text() : undefined;
}

/**
 * A layer with an `activation`: `make` gives it, with the stock function where there is one. What no stock function says
 * becomes layers of its own behind it.
 */
export function activated(
  making: Making,
  make: (activation: string, part?: string) => ReturnType<Making['make']>,
): Apply {
  const part = making.config.at('activation');
  const word = wordOf(part);
  const stock = stockOf(making, word);
  if (stock !== undefined) return applying(make(stock));
  const linear = applying(make('linear', 'linear'));
  const activation = activationOf(making, part, word);
  return (inputs, call) => activation(linear(inputs, call));
}

/** What TensorFlow.js calls this function. Hard sigmoid is Keras 2's there: `0.2 x + 0.5`, cut at 0 and 1. */
function stockOf({ keras3 }: Making, word: string | undefined): string | undefined {
  if (word === 'hard_sigmoid' && !keras3) return 'hardSigmoid';
  return word !== undefined && Object.hasOwn(STOCK, word) ? STOCK[word] : undefined;
}

/** The function as layers, the last of which carries the layer's name. */
function activationOf(making: Making, part: JsonPart, word: string | undefined): Function {
  const { make } = making;
  const stock = stockOf(making, word);
  if (stock !== undefined) {
    const layer = make('Activation', { activation: stock });
    return (x) => apply(layer, x);
  }
  switch (word) {
    case 'hard_sigmoid':
      return hardSigmoid(making);
    case 'hard_silu':
    case 'hard_swish': {
      const share = hardSigmoid(making, 'share');
      const product = make('Multiply', {});
      return (x) => apply(product, [x, share(x)]);
    }
    case 'leaky_relu':
      return leaky(making, 0.2);
    case '<lambda>':
      throw pythonFunction(making);
    case undefined:
      return layerIn(making, part);
    default:
      throw refusal(making, 'an activation that TensorFlow.js has', word, ADVICE);
  }
}

/** A lambda is bytecode of Python in the file, or not there at all. */
const pythonFunction = (making: Making) =>
  refusal(making, 'an activation that TensorFlow.js has', 'a Python function', ADVICE);

/** Keras 3's: `relu6(x + 3) / 6`. */
function hardSigmoid({ make }: Making, part?: string): Function {
  const shift = make('Rescaling', { scale: 1, offset: 3 }, 'shift');
  const cut = make('Activation', { activation: 'relu6' }, 'cut');
  const share = make('Rescaling', { scale: 1 / 6, offset: 0 }, part);
  return (x) => apply(share, apply(cut, apply(shift, x)));
}

function leaky({ make }: Making, alpha: number, part?: string): Function {
  const layer = make('LeakyReLU', { alpha }, part);
  return (x) => apply(layer, x);
}

/** A layer that stands where a function is named: `Activation(LeakyReLU(0.1))`. */
function layerIn(making: Making, part: JsonPart): Function {
  const className = part.at('class_name').text();
  if (className === '__lambda__') throw pythonFunction(making);
  const translator = Object.hasOwn(ACTIVATION_LAYERS, className) ? ACTIVATION_LAYERS[className] : undefined;
  if (!translator || className === 'PReLU') {
    throw refusal(making, 'an activation that TensorFlow.js has', className, ADVICE);
  }
  const inner = translator({ ...making, config: part.at('config') }) as Apply;
  return (x) => inner([x], { operands: [], options: {}, path: part.path });
}

const activation: Translator = (making) => {
  const part = making.config.at('activation');
  const made = activationOf(making, part, wordOf(part));
  return ([x]) => made(x!);
};

const leakyReLU: Translator = (making) => {
  const made = leaky(making, making.config.either('negative_slope', 'alpha').number(0.3));
  return ([x]) => made(x!);
};

/** `max_value` above, `negative_slope · (x - threshold)` below the threshold, `x` between. */
const reLU: Translator = (making) => {
  const { config, make } = making;
  const most = config.at('max_value').missing ? undefined : config.at('max_value').number();
  const slope = config.at('negative_slope').number(0);
  const threshold = config.at('threshold').number(0);
  if (threshold !== 0) {
    if (slope === 0 && most === undefined) return applying(make('ThresholdedReLU', { theta: threshold }));
    throw refusal(making, 'a threshold without slope and maximum', 'all of them', ADVICE);
  }
  if (slope === 0) return applying(make('ReLU', most === undefined ? {} : { maxValue: most }));
  const below = leaky(making, slope, most === undefined ? undefined : 'slope');
  if (most === undefined) return ([x]) => below(x!);
  // min(y, most) = most - relu(most - y)
  const turn = make('Rescaling', { scale: -1, offset: most }, 'turn');
  const cut = make('ReLU', {}, 'cut');
  const back = make('Rescaling', { scale: -1, offset: most });
  return ([x]) => apply(back, apply(cut, apply(turn, below(x!))));
};

const elu: Translator = (making) => {
  const alpha = making.config.at('alpha').number(1);
  if (alpha !== 1) throw refusal(making, 'alpha 1, which TensorFlow.js has', String(alpha), ADVICE);
  return applying(making.make('ELU', {}));
};

const softmax: Translator = (making) => {
  const part = making.config.at('axis');
  const [first, ...more] = part.isList ? part.items() : [part];
  if (!first || more.length > 0) throw part.wrong('one axis');
  const axis = first.count(-8, -1);
  if (axis !== -1 && axis !== making.shapes[0]!.length - 1) {
    throw first.wrong(
      'the last axis',
      undefined,
      'TensorFlow.js has no other: put Permute before and after.',
    );
  }
  return applying(making.make('Softmax', { axis: -1 }));
};

const preLU: Translator = ({ config, make }) => {
  const axes = config.at('shared_axes');
  return applying(
    make('PReLU', { sharedAxes: axes.missing ? null : axes.items().map((axis) => axis.count()) }),
  );
};

/** Layers that are one function of each number. */
export const ACTIVATION_LAYERS: { readonly [className: string]: Translator } = {
  Activation: activation,
  ReLU: reLU,
  LeakyReLU: leakyReLU,
  PReLU: preLU,
  ELU: elu,
  Softmax: softmax,
  ThresholdedReLU: ({ config, make }) =>
    applying(make('ThresholdedReLU', { theta: config.at('theta').number(1) })),
};

/** An activation by its word, where an operation names it. */
export function activationNamed(making: Making, word: string): Apply {
  const made = activationOf(making, making.config, word);
  return ([x]) => made(x!);
}
