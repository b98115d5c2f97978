/** Activations: TensorFlow.js's name and Keras's. Those that are not the same function in both are left out. */
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

/** Initialisers that TensorFlow.js knows as one variance scaling: `scale mode distribution`, and Keras's class. */
export const VARIANCE_SCALING_CLASSES: { readonly [settings: string]: string } = {
  '1 fan_avg uniform': 'GlorotUniform',
  '1 fan_avg truncated_normal': 'GlorotNormal',
  '2 fan_in uniform': 'HeUniform',
  '2 fan_in truncated_normal': 'HeNormal',
  '1 fan_in uniform': 'LecunUniform',
  '1 fan_in truncated_normal': 'LecunNormal',
};

/** `kernelSize` for `kernel_size`. */
export const toCamelCase = (name: string) =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** `kernel_size` for `kernelSize`. */
export const camelToSnakeCase = (name: string) =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * A class's name as Keras writes it in a path, `Conv2DTranspose` as `conv2d_transpose`. Same as Keras 3 `to_snake_case`
 * (utils/naming.py).
 */
export const toSnakeCase = (className: string) =>
  className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Where a file keeps our task table, past which Keras reads: in `metadata.json`, or among the attributes of an h5 file. */
export const TASK_TABLE_KEY = 'tfjs_multitask';
