import { createError } from '../../../core/errors/errors.js';
import { formatValue } from '../../../core/errors/formatValue.js';
import type { Json } from '../../../core/json.js';
import { ACTIVATION_NAMES, camelToSnakeCase, VARIANCE_SCALING_CLASSES } from '../file/kerasNames.js';

/** A part of a layer as TensorFlow.js writes it: an initialiser, a regulariser, a constraint. */
interface SerializedObject {
  readonly className: string;
  readonly config: { readonly [key: string]: Json };
}

/** An object as Keras 3 writes it (saving/serialization_lib.py), of a module of its own. */
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

/** A number that Keras wants to read as a float, whole or not: JSON's `1` is an integer to Python. */
export const markFloat = (value: number): Json =>
  Number.isInteger(value) ? `${FLOAT_MARKER}${value}.0` : value;

/** JSON text with {@link float}s as Python reads them. */
export const stringifyKerasJson = (value: Json): string =>
  JSON.stringify(value).replace(/"\\u0000float ([^"]*)"/g, '$1');

/** An activation's name in Keras. */
export function toKerasActivation(name: string, path: string): string {
  const known = Object.hasOwn(ACTIVATION_NAMES, name) ? ACTIVATION_NAMES[name] : undefined;
  if (known !== undefined) return known;
  const why: { readonly [name: string]: string } = {
    hardSigmoid:
      'Keras 3 computes relu6(x + 3) / 6 under that name, TensorFlow.js clip(0.2 x + 0.5): use rescaling(0.2, 0.5) and reLU({ maxValue: 1 }).',
    gelu_new: "Keras's file has no name for the approximation by tanh: use 'gelu'.",
  };
  throw createError({
    kind: 'argument',
    path,
    expected: `an activation that Keras has too (${Object.keys(ACTIVATION_NAMES).join(', ')})`,
    received: formatValue(name),
    advice: why[name] ?? 'Use one of these.',
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

/** An initialiser. It changes nothing in a file that holds the weights, but a layer says how it was begun. */
export function toKerasInitializer(given: Json, path: string): Json {
  if (given === null) return null;
  const { className, config } = given as unknown as SerializedObject;
  const make = (name: string, settings: { readonly [key: string]: Json }) =>
    createKerasObject('keras.initializers', name, settings);
  const seed = config?.seed ?? null;
  if (className === 'VarianceScaling') {
    const { scale = 1, mode = 'fanIn', distribution = 'normal' } = config;
    // TensorFlow.js cuts its normal distribution too.
    const drawn = distribution === 'normal' ? 'truncated_normal' : camelToSnakeCase(String(distribution));
    const settings = { scale, mode: camelToSnakeCase(String(mode)), distribution: drawn };
    const known = VARIANCE_SCALING_CLASSES[Object.values(settings).join(' ')];
    const axes = { input_axes: null, output_axes: null };
    return known === undefined
      ? make('VarianceScaling', { seed, ...settings, ...axes })
      : make(known, { seed, ...axes });
  }
  // Keras's identity has no gain.
  if (className === 'Identity' && (config.gain ?? 1) === 1) return make('Identity', {});
  const keys = Object.hasOwn(INITIALIZER_KEYS, className) ? INITIALIZER_KEYS[className] : undefined;
  if (keys === undefined) throw createObjectExportError('an initialiser', className, path);
  return make(className, pickSettings(config, keys));
}

/** L1, L2 or both; none at all where both factors are 0. */
export function toKerasRegularizer(given: Json, path: string): Json {
  if (given === null) return null;
  const { className, config } = given as unknown as SerializedObject;
  if (className !== 'L1L2') throw createObjectExportError('a regulariser', className, path);
  const l1 = (config.l1 as number | null) ?? 0;
  const l2 = (config.l2 as number | null) ?? 0;
  const make = (name: string, factors: { readonly [key: string]: Json }) =>
    createKerasObject('keras.regularizers', name, factors);
  if (l1 !== 0 && l2 !== 0) return make('L1L2', { l1, l2 });
  if (l1 !== 0) return make('L1', { l1 });
  return l2 === 0 ? null : make('L2', { l2 });
}

const CONSTRAINT_KEYS: { readonly [className: string]: string } = {
  MaxNorm: 'max_value axis',
  UnitNorm: 'axis',
  NonNeg: '',
  MinMaxNorm: 'min_value max_value rate axis',
};

/** A constraint on a weight. */
export function toKerasConstraint(given: Json, path: string): Json {
  if (given === null) return null;
  const { className, config } = given as unknown as SerializedObject;
  const keys = Object.hasOwn(CONSTRAINT_KEYS, className) ? CONSTRAINT_KEYS[className] : undefined;
  if (keys === undefined) throw createObjectExportError('a constraint', className, path);
  return createKerasObject('keras.constraints', className, pickSettings(config, keys));
}

/** The settings called `keys`, by Keras's names. */
function pickSettings(config: SerializedObject['config'], keys: string): { [key: string]: Json } {
  const names = keys.split(' ').filter(Boolean);
  const byKeras = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [camelToSnakeCase(key), value]),
  );
  return Object.fromEntries(names.map((name) => [name, byKeras[name] ?? null]));
}

const createObjectExportError = (what: string, className: string, path: string) =>
  createError({
    kind: 'argument',
    path,
    expected: `${what} that Keras has too`,
    received: String(className),
    advice: 'Build the layer with a stock one.',
  });
