import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { JsonNode } from '../../file/jsonNode.js';
import { ACTIVATION_NAMES } from '../../file/kerasNames.js';
import {
  type ApplyLayer,
  applyLayer,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
} from '../importContext.js';

type ActivationFunction = (input: SymbolicTensor) => SymbolicTensor;

/** TensorFlow.js names by Keras names, for activations that compute the same function in both. */
const TFJS_ACTIVATIONS: { readonly [keras: string]: string } = {
  ...Object.fromEntries(Object.entries(ACTIVATION_NAMES).map(([tfjs, keras]) => [keras, tfjs])),
  swish: 'swish',
};

const ACTIVATION_ADVICE = 'Use an activation that TensorFlow.js has, or register the layer with `layers`.';

/**
 * Reads the `activation` of a layer: a name, or undefined for a layer in place of a name. A missing
 * activation is linear.
 */
function readActivationName(part: JsonNode): string | undefined {
  if (part.isMissing) return 'linear';
  if (!part.isRecord) return part.asText();
  // The first versions of Keras 3 wrote a function as an object.
  return part.at('class_name').value === 'function' ? part.at('config').asText() : undefined;
}

/**
 * Imports a layer that has an `activation`.
 *
 * If TensorFlow.js has the activation, it is passed to `createLayer`. Otherwise the layer is linear and
 * separate layers for the activation follow it.
 */
export function importWithActivation(
  making: ImportContext,
  make: (activation: string, part?: string) => ReturnType<ImportContext['createLayer']>,
): ApplyLayer {
  const part = making.config.at('activation');
  const word = readActivationName(part);
  const stock = findTfjsActivation(making, word);
  if (stock !== undefined) return createApply(make(stock));
  const linear = createApply(make('linear', 'linear'));
  const activation = createActivation(making, part, word);
  return (inputs, call) => activation(linear(inputs, call));
}

/**
 * Finds the TensorFlow.js name of an activation. TensorFlow.js implements the hard sigmoid of Keras 2: `0.2 x
 * + 0.5`, clipped to 0 and 1.
 */
function findTfjsActivation({ isKeras3 }: ImportContext, word: string | undefined): string | undefined {
  if (word === 'hard_sigmoid' && !isKeras3) return 'hardSigmoid';
  return word !== undefined && Object.hasOwn(TFJS_ACTIVATIONS, word) ? TFJS_ACTIVATIONS[word] : undefined;
}

/** Creates the layers of an activation. The last one has the name of the Keras layer. */
function createActivation(
  making: ImportContext,
  part: JsonNode,
  word: string | undefined,
): ActivationFunction {
  const { createLayer } = making;
  const stock = findTfjsActivation(making, word);
  if (stock !== undefined) {
    const layer = createLayer('Activation', { activation: stock });
    return (x) => applyLayer(layer, x);
  }
  switch (word) {
    case 'hard_sigmoid':
      return createHardSigmoid(making);
    case 'hard_silu':
    case 'hard_swish': {
      const share = createHardSigmoid(making, 'share');
      const product = createLayer('Multiply', {});
      return (x) => applyLayer(product, [x, share(x)]);
    }
    case 'leaky_relu':
      return createLeakyReLU(making, 0.2);
    case '<lambda>':
      throw createPythonFunctionError(making);
    case undefined:
      return createActivationFromLayer(making, part);
    default:
      throw createLayerError(making, 'an activation that TensorFlow.js has', word, ACTIVATION_ADVICE);
  }
}

/** Creates an error for a lambda, which the file contains as Python bytecode or not at all. */
const createPythonFunctionError = (making: ImportContext) =>
  createLayerError(making, 'an activation that TensorFlow.js has', 'a Python function', ACTIVATION_ADVICE);

/** Creates the hard sigmoid of Keras 3: `relu6(x + 3) / 6`. */
function createHardSigmoid({ createLayer }: ImportContext, part?: string): ActivationFunction {
  const shift = createLayer('Rescaling', { scale: 1, offset: 3 }, 'shift');
  const cut = createLayer('Activation', { activation: 'relu6' }, 'cut');
  const share = createLayer('Rescaling', { scale: 1 / 6, offset: 0 }, part);
  return (x) => applyLayer(share, applyLayer(cut, applyLayer(shift, x)));
}

function createLeakyReLU({ createLayer }: ImportContext, alpha: number, part?: string): ActivationFunction {
  const layer = createLayer('LeakyReLU', { alpha }, part);
  return (x) => applyLayer(layer, x);
}

/** Creates an activation from a layer in place of an activation's name: `Activation(LeakyReLU(0.1))`. */
function createActivationFromLayer(making: ImportContext, part: JsonNode): ActivationFunction {
  const className = part.at('class_name').asText();
  if (className === '__lambda__') throw createPythonFunctionError(making);
  const translator = Object.hasOwn(ACTIVATION_IMPORTERS, className)
    ? ACTIVATION_IMPORTERS[className]
    : undefined;
  if (!translator || className === 'PReLU') {
    throw createLayerError(making, 'an activation that TensorFlow.js has', className, ACTIVATION_ADVICE);
  }
  const inner = translator({ ...making, config: part.at('config') }) as ApplyLayer;
  return (x) => inner([x], { operands: [], kwargs: {}, path: part.path });
}

const importActivation: LayerImporter = (making) => {
  const part = making.config.at('activation');
  const made = createActivation(making, part, readActivationName(part));
  return ([x]) => made(x!);
};

const importLeakyReLU: LayerImporter = (making) => {
  const made = createLeakyReLU(making, making.config.atAny('negative_slope', 'alpha').asNumber(0.3));
  return ([x]) => made(x!);
};

/**
 * Imports `ReLU`: `max_value` at the top, `negative_slope · (x - threshold)` below the threshold, `x` in
 * between.
 */
const importReLU: LayerImporter = (making) => {
  const { config, createLayer } = making;
  const most = config.at('max_value').isMissing ? undefined : config.at('max_value').asNumber();
  const slope = config.at('negative_slope').asNumber(0);
  const threshold = config.at('threshold').asNumber(0);
  if (threshold !== 0) {
    if (slope === 0 && most === undefined)
      return createApply(createLayer('ThresholdedReLU', { theta: threshold }));
    throw createLayerError(making, 'a threshold without slope and maximum', 'all of them', ACTIVATION_ADVICE);
  }
  if (slope === 0) return createApply(createLayer('ReLU', most === undefined ? {} : { maxValue: most }));
  const below = createLeakyReLU(making, slope, most === undefined ? undefined : 'slope');
  if (most === undefined) return ([x]) => below(x!);
  // min(y, max) = max - relu(max - y)
  const turn = createLayer('Rescaling', { scale: -1, offset: most }, 'turn');
  const cut = createLayer('ReLU', {}, 'cut');
  const back = createLayer('Rescaling', { scale: -1, offset: most });
  return ([x]) => applyLayer(back, applyLayer(cut, applyLayer(turn, below(x!))));
};

const importELU: LayerImporter = (making) => {
  const alpha = making.config.at('alpha').asNumber(1);
  if (alpha !== 1)
    throw createLayerError(making, 'alpha 1, which TensorFlow.js has', String(alpha), ACTIVATION_ADVICE);
  return createApply(making.createLayer('ELU', {}));
};

const importSoftmax: LayerImporter = (making) => {
  const part = making.config.at('axis');
  const [first, ...more] = part.isList ? part.items() : [part];
  if (!first || more.length > 0) throw part.createError('one axis');
  const axis = first.asInteger(-8, -1);
  if (axis !== -1 && axis !== making.inputShapes[0]!.length - 1) {
    throw first.createError(
      'the last axis',
      undefined,
      'TensorFlow.js has no other: put Permute before and after.',
    );
  }
  return createApply(making.createLayer('Softmax', { axis: -1 }));
};

const importPReLU: LayerImporter = ({ config, createLayer }) => {
  const axes = config.at('shared_axes');
  return createApply(
    createLayer('PReLU', {
      sharedAxes: axes.isMissing ? null : axes.items().map((axis) => axis.asInteger()),
    }),
  );
};

/** Importers of elementwise activation layers. */
export const ACTIVATION_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Activation: importActivation,
  ReLU: importReLU,
  LeakyReLU: importLeakyReLU,
  PReLU: importPReLU,
  ELU: importELU,
  Softmax: importSoftmax,
  ThresholdedReLU: ({ config, createLayer }) =>
    createApply(createLayer('ThresholdedReLU', { theta: config.at('theta').asNumber(1) })),
};

/** Imports an activation by its Keras name, for an operation such as `ops.relu`. */
export function importNamedActivation(making: ImportContext, word: string): ApplyLayer {
  const made = createActivation(making, making.config, word);
  return ([x]) => made(x!);
}
