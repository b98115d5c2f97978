/**
 * Keras activation names, keyed by TensorFlow.js name. Activations that compute different functions in Keras and TensorFlow.js are omitted.
 */
export const ACTIVATION_NAMES: { readonly [tfjs: string]: string } = {
  linear: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  elu: 'elu',
  selu: 'selu',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  softmax: 'softmax',
  logSoftmax: 'log_softmax',
  softplus: 'softplus',
  softsign: 'softsign',
  swish: 'silu',
  gelu: 'gelu',
  mish: 'mish',
};

/**
 * Keras initializer classes. Each key consists of the scale, the mode and the distribution of the equivalent `VarianceScaling` initializer,
 * separated by spaces.
 */
export const VARIANCE_SCALING_CLASSES: { readonly [settings: string]: string } = {
  '1 fan_avg uniform': 'GlorotUniform',
  '1 fan_avg truncated_normal': 'GlorotNormal',
  '2 fan_in uniform': 'HeUniform',
  '2 fan_in truncated_normal': 'HeNormal',
  '1 fan_in uniform': 'LecunUniform',
  '1 fan_in truncated_normal': 'LecunNormal',
};

/** Converts snake case to camel case, for example `kernel_size` to `kernelSize`. */
export const toCamelCase = (name: string) =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Converts camel case to snake case, for example `kernelSize` to `kernel_size`. */
export const camelToSnakeCase = (name: string) =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * Converts a class name to the form that Keras uses in paths, for example `Conv2DTranspose` to `conv2d_transpose`. The result matches that
 * of Keras 3 `to_snake_case` (utils/naming.py).
 */
export const toSnakeCase = (className: string) =>
  className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Key of the task table in `metadata.json`, or among the attributes of an h5 file. Keras ignores this key. */
export const TASK_TABLE_KEY = 'tfjs_multitask';
