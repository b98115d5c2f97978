import { createArgumentError, createError } from '../../../core/errors/errors.js';
import { formatValue } from '../../../core/errors/formatValue.js';
import type { Json } from '../../../core/json.js';
import { getOwnValue } from '../../../core/lookup.js';
import { ACTIVATION_NAMES, camelToSnakeCase, VARIANCE_SCALING_CLASSES } from '../file/kerasNames.js';

/** Initializer, regularizer or constraint of a layer, as serialized by TensorFlow.js. */
interface SerializedObject {
  readonly className: string;
  readonly config: { readonly [key: string]: Json };
}

/**
 * Creates the JSON of an object, such as a metric or an initializer, in the serialization format of Keras 3 (saving/serialization_lib.py).
 */
export const createKerasObject = (
  module: string,
  className: string,
  config: { readonly [key: string]: Json },
) => ({
  module,
  class_name: className,
  config,
  registered_name: null,
});

const FLOAT_MARKER = '\u0000float ';

/** Marks a number that must be written with a decimal point even if it is whole, because Python reads `1` in JSON as an integer. */
export const markFloat = (value: number): Json =>
  Number.isInteger(value) ? `${FLOAT_MARKER}${value}.0` : value;

/** Converts a Keras configuration to JSON text. Numbers that {@link markFloat} marked are written with a decimal point. */
export const stringifyKerasJson = (value: Json): string =>
  JSON.stringify(value).replace(/"\\u0000float ([^"]*)"/g, '$1');

/** Returns the Keras name of an activation. Throws an `argument` error if Keras does not have this activation. */
export function toKerasActivation(name: string, path: string): string {
  const kerasName = Object.hasOwn(ACTIVATION_NAMES, name) ? ACTIVATION_NAMES[name] : undefined;
  if (kerasName !== undefined) return kerasName;
  const adviceByName: { readonly [name: string]: string } = {
    hardSigmoid:
      'Use rescaling(0.2, 0.5) and reLU({ maxValue: 1 }): under this name, Keras 3 computes relu6(x + 3) / 6, but TensorFlow.js computes clip(0.2 x + 0.5).',
    gelu_new: "Use 'gelu', because a Keras file has no name for the tanh approximation.",
  };
  throw createError({
    kind: 'argument',
    path,
    expected: `an activation that Keras also has (${Object.keys(ACTIVATION_NAMES).join(', ')})`,
    received: formatValue(name),
    advice: getOwnValue(adviceByName, name) ?? 'Use one of these activations.',
  });
}

const INITIALIZER_KEYS: { readonly [className: string]: string } = {
  Zeros: '',
  Ones: '',
  Constant: 'value',
  RandomUniform: 'seed minval maxval',
  RandomNormal: 'seed mean stddev',
  TruncatedNormal: 'seed mean stddev',
  Orthogonal: 'seed gain',
};

/**
 * Converts an initializer to its Keras configuration. The weights in the file replace the initial weights, but Keras requires an
 * initializer in a layer's configuration.
 */
export function toKerasInitializer(initializer: Json, path: string): Json {
  if (initializer === null) return null;
  const { className, config } = initializer as unknown as SerializedObject;
  const createInitializer = (name: string, settings: { readonly [key: string]: Json }) =>
    createKerasObject('keras.initializers', name, settings);
  const seed = config?.seed ?? null;
  if (className === 'VarianceScaling') {
    const { scale = 1, mode = 'fanIn', distribution = 'normal' } = config;
    // The normal distribution in TensorFlow.js is also truncated.
    const kerasDistribution =
      distribution === 'normal' ? 'truncated_normal' : camelToSnakeCase(String(distribution));
    const settings = { scale, mode: camelToSnakeCase(String(mode)), distribution: kerasDistribution };
    const kerasClass = VARIANCE_SCALING_CLASSES[Object.values(settings).join(' ')];
    const axes = { input_axes: null, output_axes: null };
    return kerasClass === undefined
      ? createInitializer('VarianceScaling', { seed, ...settings, ...axes })
      : createInitializer(kerasClass, { seed, ...axes });
  }
  // Keras's identity initializer has no gain.
  if (className === 'Identity' && (config.gain ?? 1) === 1) return createInitializer('Identity', {});
  const keys = Object.hasOwn(INITIALIZER_KEYS, className) ? INITIALIZER_KEYS[className] : undefined;
  if (keys === undefined) throw createObjectExportError('an initializer', className, path);
  return createInitializer(className, pickSettings(config, keys));
}

/** Converts an L1, L2 or L1L2 regularizer to its Keras configuration. Returns null if both factors are 0. */
export function toKerasRegularizer(regularizer: Json, path: string): Json {
  if (regularizer === null) return null;
  const { className, config } = regularizer as unknown as SerializedObject;
  if (className !== 'L1L2') throw createObjectExportError('a regularizer', className, path);
  const l1 = (config.l1 as number | null) ?? 0;
  const l2 = (config.l2 as number | null) ?? 0;
  const createRegularizer = (name: string, factors: { readonly [key: string]: Json }) =>
    createKerasObject('keras.regularizers', name, factors);
  if (l1 !== 0 && l2 !== 0) return createRegularizer('L1L2', { l1, l2 });
  if (l1 !== 0) return createRegularizer('L1', { l1 });
  return l2 === 0 ? null : createRegularizer('L2', { l2 });
}

const CONSTRAINT_KEYS: { readonly [className: string]: string } = {
  MaxNorm: 'max_value axis',
  UnitNorm: 'axis',
  NonNeg: '',
  MinMaxNorm: 'min_value max_value rate axis',
};

/** Converts a weight constraint to its Keras configuration. */
export function toKerasConstraint(constraint: Json, path: string): Json {
  if (constraint === null) return null;
  const { className, config } = constraint as unknown as SerializedObject;
  const keys = Object.hasOwn(CONSTRAINT_KEYS, className) ? CONSTRAINT_KEYS[className] : undefined;
  if (keys === undefined) throw createObjectExportError('a constraint', className, path);
  return createKerasObject('keras.constraints', className, pickSettings(config, keys));
}

/** Returns the settings whose Keras names are in `keys` (separated by spaces), keyed by Keras name. A missing setting is null. */
function pickSettings(config: SerializedObject['config'], keys: string): { [key: string]: Json } {
  const settingNames = keys.split(' ').filter(Boolean);
  const settingsByKerasName = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [camelToSnakeCase(key), value]),
  );
  return Object.fromEntries(settingNames.map((name) => [name, settingsByKerasName[name] ?? null]));
}

const createObjectExportError = (description: string, className: string, path: string) =>
  createArgumentError(
    path,
    `${description} that Keras also has`,
    String(className),
    `Build the layer with ${description} that Keras also has.`,
  );
