import { createArgumentError } from '../../../core/errors/errors.js';
import type { Json } from '../../../core/json.js';
import { getOwnValue } from '../../../core/lookup.js';
import type { tf } from '../../../tensor/tf.js';
import { camelToSnakeCase, toCamelCase } from '../file/kerasNames.js';
import {
  createKerasObject,
  toKerasActivation,
  toKerasConstraint,
  toKerasInitializer,
  toKerasRegularizer,
} from './kerasObjects.js';

/** Keyword arguments that Keras writes, in addition to the input tensors, for each call of a layer that accepts a mask. */
const MASK_KWARGS = { mask: null };
const TRAINING_KWARGS = { training: false };

/** Configuration schema of a Keras layer class. */
interface LayerSchema {
  /** Keras names of the settings except `name`, `trainable` and `dtype`, separated by spaces. */
  readonly configKeys: string;
  /** Keyword arguments that are written for each call of the layer. Default: none. */
  readonly kwargs?: { readonly [name: string]: Json };
  /** Whether to also write the input shape, as Keras does for layers that implement `build`. */
  readonly hasBuildConfig?: boolean;
}

const WINDOW_KEYS = 'kernel_size strides padding data_format dilation_rate';
const CONV_KEYS = `filters ${WINDOW_KEYS} groups activation use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint`;
const CONV_TRANSPOSE_KEYS = CONV_KEYS.replace('groups', 'output_padding');
const POOLING_KEYS = 'pool_size padding strides data_format';
const GLOBAL_POOLING_KEYS = 'data_format keepdims';

const createBuiltSchema = (configKeys: string, kwargs?: LayerSchema['kwargs']): LayerSchema =>
  kwargs ? { configKeys, kwargs, hasBuildConfig: true } : { configKeys, hasBuildConfig: true };
const createSchema = (configKeys: string, kwargs?: LayerSchema['kwargs']): LayerSchema =>
  kwargs ? { configKeys, kwargs } : { configKeys };

/**
 * Schemas of the layer classes that compute the same function in TensorFlow.js and Keras, with the settings that Keras 3.15 writes.
 * Recurrent and text layers are not included.
 */
const LAYER_SCHEMAS: { readonly [className: string]: LayerSchema } = {
  Rescaling: createBuiltSchema('scale offset'),
  Conv1D: createBuiltSchema(CONV_KEYS),
  Conv2D: createBuiltSchema(CONV_KEYS),
  Conv3D: createBuiltSchema(CONV_KEYS),
  Conv2DTranspose: createBuiltSchema(CONV_TRANSPOSE_KEYS),
  Conv3DTranspose: createBuiltSchema(CONV_TRANSPOSE_KEYS),
  DepthwiseConv2D: createBuiltSchema(
    `depth_multiplier ${WINDOW_KEYS} activation use_bias depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer activity_regularizer depthwise_constraint bias_constraint`,
  ),
  SeparableConv2D: createBuiltSchema(
    `depth_multiplier filters ${WINDOW_KEYS} activation use_bias depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint pointwise_constraint bias_constraint`,
  ),
  Dense: createBuiltSchema(
    'units activation use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer kernel_constraint bias_constraint quantization_config',
  ),
  BatchNormalization: createBuiltSchema(
    'axis momentum epsilon center scale beta_initializer gamma_initializer moving_mean_initializer moving_variance_initializer beta_regularizer gamma_regularizer beta_constraint gamma_constraint synchronized renorm renorm_clipping renorm_momentum',
    MASK_KWARGS,
  ),
  LayerNormalization: createBuiltSchema(
    'axis epsilon center scale rms_scaling beta_initializer gamma_initializer beta_regularizer gamma_regularizer beta_constraint gamma_constraint',
  ),
  PReLU: createBuiltSchema('alpha_initializer alpha_regularizer alpha_constraint shared_axes'),
  ZeroPadding2D: createBuiltSchema('padding data_format'),
  Cropping2D: createBuiltSchema('cropping data_format'),
  UpSampling2D: createBuiltSchema('size data_format interpolation'),
  Flatten: createBuiltSchema('data_format'),
  Permute: createBuiltSchema('dims'),
  RepeatVector: createBuiltSchema('n'),
  Add: createBuiltSchema(''),
  Multiply: createBuiltSchema(''),
  Average: createBuiltSchema(''),
  Maximum: createBuiltSchema(''),
  Minimum: createBuiltSchema(''),
  Concatenate: createBuiltSchema('axis'),
  Dot: createBuiltSchema('axes normalize'),
  Activation: createSchema('activation'),
  ReLU: createSchema('max_value negative_slope threshold'),
  LeakyReLU: createSchema('negative_slope'),
  ELU: createSchema('alpha'),
  Softmax: createSchema('axis', MASK_KWARGS),
  Reshape: createSchema('target_shape'),
  Dropout: createSchema('rate seed noise_shape', TRAINING_KWARGS),
  SpatialDropout1D: createSchema('rate seed', TRAINING_KWARGS),
  GaussianNoise: createSchema('stddev seed', TRAINING_KWARGS),
  GaussianDropout: createSchema('rate seed', TRAINING_KWARGS),
  AlphaDropout: createSchema('rate seed noise_shape', TRAINING_KWARGS),
  MaxPooling1D: createSchema(POOLING_KEYS),
  MaxPooling2D: createSchema(POOLING_KEYS),
  MaxPooling3D: createSchema(POOLING_KEYS),
  AveragePooling1D: createSchema(POOLING_KEYS),
  AveragePooling2D: createSchema(POOLING_KEYS),
  AveragePooling3D: createSchema(POOLING_KEYS),
  GlobalAveragePooling1D: createSchema(GLOBAL_POOLING_KEYS, MASK_KWARGS),
  GlobalMaxPooling1D: createSchema(GLOBAL_POOLING_KEYS),
  GlobalAveragePooling2D: createSchema(GLOBAL_POOLING_KEYS),
  GlobalMaxPooling2D: createSchema(GLOBAL_POOLING_KEYS),
};

/** Values for Keras settings that do not exist in TensorFlow.js. With these values, Keras behaves like TensorFlow.js. */
const DEFAULT_SETTINGS: { readonly [key: string]: Json } = {
  groups: 1,
  output_padding: null,
  keepdims: false,
  synchronized: false,
  renorm: false,
  renorm_clipping: null,
  renorm_momentum: 0.99,
  rms_scaling: false,
  quantization_config: null,
  beta_constraint: null,
  gamma_constraint: null,
  max_value: null,
  negative_slope: 0,
  threshold: 0,
  seed: null,
  noise_shape: null,
  shared_axes: null,
  data_format: 'channels_last',
  depth_multiplier: 1,
};

/** Advice in the error messages for TensorFlow.js layer classes that cannot be exported to Keras, keyed by class name. */
const UNSUPPORTED_CLASSES: { readonly [className: string]: string } = {
  Resizing:
    'Resize the images before you pass them to the model: TensorFlow.js aligns the corners of the images, but Keras does not.',
  CenterCrop: 'Use cropping2D(): TensorFlow.js resamples the image, but Keras crops it.',
  RandomWidth:
    'Use dataset.augment([randomZoom(...)]): this layer and its Keras counterpart draw different random numbers.',
  Masking: 'Remove the layer, because only image models can be exported.',
  Embedding: 'Remove the layer, because only image models can be exported.',
};

/** Keras configuration of a layer, without its connections. */
export interface LayerConfig {
  readonly className: string;
  readonly config: { readonly [key: string]: Json };
  readonly kwargs: { readonly [name: string]: Json };
  readonly hasBuildConfig: boolean;
}

const FLOAT32_POLICY = createKerasObject('keras', 'DTypePolicy', { name: 'float32' });

/**
 * Converts a TensorFlow.js layer to the class name, configuration and call arguments of the equivalent Keras 3 layer.
 *
 * @throws An `argument` error if Keras has no equivalent of the layer. The error names the layer.
 */
export function toLayerConfig(layer: tf.layers.Layer): LayerConfig {
  const tfjsConfig = layer.getConfig() as { readonly [key: string]: Json };
  const { name, trainable } = layer;
  if (name.includes('/'))
    throw createArgumentError(
      name,
      'a layer name without "/"',
      `the layer name "${name}"`,
      'Rename the layer.',
    );
  const tfjsClassName = layer.getClassName();
  if (tfjsClassName === 'InputLayer') {
    const { batchInputShape, dtype = 'float32', sparse = false } = tfjsConfig;
    const config = {
      batch_shape: batchInputShape!,
      dtype: dtype ?? 'float32',
      sparse,
      ragged: false,
      name,
      optional: false,
    };
    return { className: tfjsClassName, config, kwargs: {}, hasBuildConfig: false };
  }
  const { className, settings } = toKerasSettings(layer, tfjsClassName, tfjsConfig);
  const schema = Object.hasOwn(LAYER_SCHEMAS, className) ? LAYER_SCHEMAS[className] : undefined;
  if (!schema) {
    const advice =
      getOwnValue(UNSUPPORTED_CLASSES, tfjsClassName) ??
      'Remove the layer, because only image layers that Keras also has can be exported.';
    throw createArgumentError(
      `${name} (${tfjsClassName})`,
      'a layer with the same behavior in Keras',
      tfjsClassName,
      advice,
    );
  }
  const keys = schema.configKeys.split(' ').filter(Boolean);
  const kerasSettings = Object.fromEntries(keys.map((key) => [key, toKerasSetting(layer, settings, key)]));
  checkSameBehavior(layer, className, kerasSettings);
  // Keras's spatial dropout does not accept `trainable`, and requires its dtype as a name.
  const config =
    className === 'SpatialDropout1D'
      ? { ...kerasSettings, name, dtype: 'float32' }
      : { name, trainable, dtype: FLOAT32_POLICY, ...kerasSettings };
  return { className, config, kwargs: schema.kwargs ?? {}, hasBuildConfig: schema.hasBuildConfig ?? false };
}

interface Serializable {
  getClassName(): string;
  getConfig(): { readonly [key: string]: Json };
}

/** Returns the Keras class and the settings of a layer. Settings that differ between TensorFlow.js and Keras are converted. */
function toKerasSettings(
  layer: tf.layers.Layer,
  className: string,
  config: { readonly [key: string]: Json },
) {
  if (className === 'LeakyReLU') return { className, settings: { ...config, negativeSlope: config.alpha! } };
  // In Keras 3, this layer is a setting of ReLU.
  if (className === 'ThresholdedReLU')
    return { className: 'ReLU', settings: { ...config, threshold: config.theta! } };
  if (className === 'Conv2DTranspose' || className === 'Conv3DTranspose') {
    const sides = (config.kernelSize as readonly number[]).map(() => 1);
    return { className, settings: { ...config, dilationRate: sides } };
  }
  // TensorFlow.js mistakenly writes the regularizer as the constraint.
  if (className === 'DepthwiseConv2D') {
    const { depthwiseConstraint: constraint } = layer as unknown as {
      depthwiseConstraint: Serializable | null;
    };
    const constraintConfig = constraint && {
      className: constraint.getClassName(),
      config: constraint.getConfig(),
    };
    return { className, settings: { ...config, depthwiseConstraint: constraintConfig } };
  }
  if (className === 'Reshape') {
    const shape = (config.targetShape as readonly (number | null)[]).map((side) => side ?? -1);
    return { className, settings: { ...config, targetShape: shape } };
  }
  return { className, settings: config };
}

/** Returns the value of the setting with the Keras name `key`, converted to the value that Keras expects. */
function toKerasSetting(
  layer: tf.layers.Layer,
  config: { readonly [key: string]: Json | undefined },
  key: string,
): Json {
  const camel = toCamelCase(key);
  // Some TensorFlow.js layers omit a setting from their configuration but store it in a field.
  const field = ['depthMultiplier', 'dataFormat'].includes(camel)
    ? (layer as unknown as { readonly [field: string]: Json | undefined })[camel]
    : undefined;
  const value = config[camel] ?? field ?? DEFAULT_SETTINGS[key] ?? null;
  const path = `${layer.name} (${camel})`;
  if (key === 'activation') return toKerasActivation(String(value ?? 'linear'), path);
  if (key.endsWith('_initializer')) return toKerasInitializer(value, path);
  if (key.endsWith('_regularizer')) return toKerasRegularizer(value, path);
  if (key.endsWith('_constraint')) return toKerasConstraint(value, path);
  return key === 'data_format' ? camelToSnakeCase(String(value)) : value;
}

/** Throws an `argument` error for a setting that has the same name in TensorFlow.js and Keras but behaves differently. */
function checkSameBehavior(
  layer: tf.layers.Layer,
  className: string,
  config: { readonly [key: string]: Json },
): void {
  const { interpolation, dilation_rate: dilation } = config;
  if (interpolation !== undefined && interpolation !== 'nearest') {
    throw createArgumentError(
      `${layer.name} (interpolation)`,
      "'nearest' interpolation",
      `'${interpolation}' interpolation`,
      "Use 'nearest', or conv2dTranspose(): bilinear interpolation samples different positions in TensorFlow.js than in Keras.",
    );
  }
  if (className === 'DepthwiseConv2D' && (dilation as readonly number[]).some((step) => step !== 1)) {
    throw createArgumentError(
      `${layer.name} (dilationRate)`,
      'a depthwise convolution without dilation',
      `a depthwise convolution with dilation [${dilation}]`,
      'Omit dilationRate: the depthwise layer in TensorFlow.js ignores this option, but the Keras layer does not.',
    );
  }
}
