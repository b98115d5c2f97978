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
} from '../structure/importContext.js';

type ActivationFunction = (input: SymbolicTensor) => SymbolicTensor;

/**
 * TensorFlow.js activation names, keyed by Keras name. The table contains only activations that compute the same function in both
 * libraries.
 */
const TFJS_ACTIVATIONS: { readonly [keras: string]: string } = {
  ...Object.fromEntries(Object.entries(ACTIVATION_NAMES).map(([tfjs, keras]) => [keras, tfjs])),
  swish: 'swish',
};

const ACTIVATION_ADVICE =
  'Use an activation that TensorFlow.js supports, or register the layer with the `layers` option.';

/**
 * Returns the Keras name in the `activation` setting of a layer, or undefined if the activation is a layer object. If the setting is
 * missing, returns `linear`.
 */
function readActivationName(part: JsonNode): string | undefined {
  if (part.isMissing) return 'linear';
  if (!part.isRecord) return part.asText();
  // Early versions of Keras 3 wrote a function as an object.
  return part.at('class_name').value === 'function' ? part.at('config').asText() : undefined;
}

/**
 * Imports a layer that has an `activation` setting.
 *
 * If TensorFlow.js supports the activation, it is passed to `createLayer`. Otherwise the layer is linear, and separate layers after it
 * compute the activation.
 */
export function importWithActivation(
  context: ImportContext,
  createLayer: (activation: string, part?: string) => ReturnType<ImportContext['createLayer']>,
): ApplyLayer {
  const part = context.config.at('activation');
  const name = readActivationName(part);
  const tfjsName = findTfjsActivation(context, name);
  if (tfjsName !== undefined) return createApply(createLayer(tfjsName));
  const linear = createApply(createLayer('linear', 'linear'));
  const activation = createActivation(context, part, name);
  return (inputs, call) => activation(linear(inputs, call));
}

/**
 * Returns the TensorFlow.js name of an activation, or undefined if TensorFlow.js does not have this activation. The hard sigmoid in
 * TensorFlow.js is the same function as in Keras 2 (`0.2 x + 0.5`, clipped to [0, 1]), but not the same as in Keras 3.
 */
function findTfjsActivation({ isKeras3 }: ImportContext, name: string | undefined): string | undefined {
  if (name === 'hard_sigmoid' && !isKeras3) return 'hardSigmoid';
  return name !== undefined && Object.hasOwn(TFJS_ACTIVATIONS, name) ? TFJS_ACTIVATIONS[name] : undefined;
}

/** Creates the TensorFlow.js layers that compute an activation. The last of these layers has the name of the Keras layer. */
function createActivation(
  context: ImportContext,
  part: JsonNode,
  name: string | undefined,
): ActivationFunction {
  const { createLayer } = context;
  const tfjsName = findTfjsActivation(context, name);
  if (tfjsName !== undefined) {
    const layer = createLayer('Activation', { activation: tfjsName });
    return (x) => applyLayer(layer, x);
  }
  switch (name) {
    case 'hard_sigmoid':
      return createHardSigmoid(context);
    case 'hard_silu':
    case 'hard_swish': {
      const hardSigmoid = createHardSigmoid(context, 'share');
      const product = createLayer('Multiply', {});
      return (x) => applyLayer(product, [x, hardSigmoid(x)]);
    }
    case 'leaky_relu':
      return createLeakyReLU(context, 0.2);
    case '<lambda>':
      throw createPythonFunctionError(context);
    case undefined:
      return createActivationFromLayer(context, part);
    default:
      throw createLayerError(context, 'an activation that TensorFlow.js supports', name, ACTIVATION_ADVICE);
  }
}

/**
 * Creates the error for a Python lambda that is used as an activation. A lambda cannot be imported, because the file contains either
 * only the bytecode of the lambda or no code at all.
 */
const createPythonFunctionError = (context: ImportContext) =>
  createLayerError(
    context,
    'an activation that TensorFlow.js supports',
    'a Python function',
    ACTIVATION_ADVICE,
  );

/** Creates the hard sigmoid of Keras 3: `relu6(x + 3) / 6`. */
function createHardSigmoid({ createLayer }: ImportContext, part?: string): ActivationFunction {
  const shift = createLayer('Rescaling', { scale: 1, offset: 3 }, 'shift');
  const relu6 = createLayer('Activation', { activation: 'relu6' }, 'cut');
  const scale = createLayer('Rescaling', { scale: 1 / 6, offset: 0 }, part);
  return (x) => applyLayer(scale, applyLayer(relu6, applyLayer(shift, x)));
}

function createLeakyReLU({ createLayer }: ImportContext, alpha: number, part?: string): ActivationFunction {
  const layer = createLayer('LeakyReLU', { alpha }, part);
  return (x) => applyLayer(layer, x);
}

/** Creates an activation from a layer object that is used instead of an activation name, for example in `Activation(LeakyReLU(0.1))`. */
function createActivationFromLayer(context: ImportContext, part: JsonNode): ActivationFunction {
  const className = part.at('class_name').asText();
  if (className === '__lambda__') throw createPythonFunctionError(context);
  const importer = Object.hasOwn(ACTIVATION_IMPORTERS, className)
    ? ACTIVATION_IMPORTERS[className]
    : undefined;
  if (!importer || className === 'PReLU') {
    throw createLayerError(
      context,
      'an activation that TensorFlow.js supports',
      className,
      ACTIVATION_ADVICE,
    );
  }
  const activation = importer({ ...context, config: part.at('config') }) as ApplyLayer;
  return (x) => activation([x], { operands: [], kwargs: {}, path: part.path });
}

const importActivation: LayerImporter = (context) => {
  const part = context.config.at('activation');
  const activation = createActivation(context, part, readActivationName(part));
  return ([x]) => activation(x!);
};

const importLeakyReLU: LayerImporter = (context) => {
  const activation = createLeakyReLU(context, context.config.atAny('negative_slope', 'alpha').asNumber(0.3));
  return ([x]) => activation(x!);
};

/**
 * Imports the Keras `ReLU` layer. The layer returns `x` if `x` is in the range from `threshold` to `max_value`, `max_value` if `x` is
 * above that range, and `negative_slope · (x - threshold)` if `x` is below it.
 */
const importReLU: LayerImporter = (context) => {
  const { config, createLayer } = context;
  const maxValue = config.at('max_value').isMissing ? undefined : config.at('max_value').asNumber();
  const slope = config.at('negative_slope').asNumber(0);
  const threshold = config.at('threshold').asNumber(0);
  if (threshold !== 0) {
    if (slope === 0 && maxValue === undefined)
      return createApply(createLayer('ThresholdedReLU', { theta: threshold }));
    throw createLayerError(
      context,
      'a threshold without negative_slope or max_value',
      'a threshold in combination with negative_slope or max_value',
      ACTIVATION_ADVICE,
    );
  }
  if (slope === 0)
    return createApply(createLayer('ReLU', maxValue === undefined ? {} : { maxValue: maxValue }));
  const leakyReLU = createLeakyReLU(context, slope, maxValue === undefined ? undefined : 'slope');
  if (maxValue === undefined) return ([x]) => leakyReLU(x!);
  // min(y, max) = max - relu(max - y)
  const negate = createLayer('Rescaling', { scale: -1, offset: maxValue }, 'turn');
  const relu = createLayer('ReLU', {}, 'cut');
  const negateBack = createLayer('Rescaling', { scale: -1, offset: maxValue });
  return ([x]) => applyLayer(negateBack, applyLayer(relu, applyLayer(negate, leakyReLU(x!))));
};

const importELU: LayerImporter = (context) => {
  const alpha = context.config.at('alpha').asNumber(1);
  if (alpha !== 1)
    throw createLayerError(
      context,
      'alpha 1, the only value that TensorFlow.js supports',
      `alpha ${alpha}`,
      ACTIVATION_ADVICE,
    );
  return createApply(context.createLayer('ELU', {}));
};

const importSoftmax: LayerImporter = (context) => {
  const part = context.config.at('axis');
  const [first, ...more] = part.isList ? part.items() : [part];
  if (!first || more.length > 0) throw part.createError('a single axis');
  const axis = first.asInteger(-8, -1);
  if (axis !== -1 && axis !== context.inputShapes[0]!.length - 1) {
    throw first.createError(
      'the last axis (-1)',
      undefined,
      'Add a Permute layer before and after this layer, because TensorFlow.js supports only the last axis.',
    );
  }
  return createApply(context.createLayer('Softmax', { axis: -1 }));
};

const importPReLU: LayerImporter = ({ config, createLayer }) => {
  const axes = config.at('shared_axes');
  return createApply(
    createLayer('PReLU', {
      sharedAxes: axes.isMissing ? null : axes.items().map((axis) => axis.asInteger()),
    }),
  );
};

/** Importers of elementwise activation layers, keyed by Keras class name. */
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

/** Imports an operation that computes an activation, such as `ops.relu`. `name` is the Keras name of the activation. */
export function importNamedActivation(context: ImportContext, name: string): ApplyLayer {
  const activation = createActivation(context, context.config, name);
  return ([x]) => activation(x!);
}
