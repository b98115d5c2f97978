import { fault } from '../../core/errors.js';
import type { Json } from '../../core/json.js';
import type { tf } from '../../tensor/tf.js';
import { camelCase, underscored } from './names.js';
import {
  kerasActivation,
  kerasConstraint,
  kerasInitializer,
  kerasObject,
  kerasRegularizer,
} from './writeObjects.js';

/** What Keras calls with more than the tensors: a pass's mode, a mask. */
const MASKED = { mask: null };
const RANDOM = { training: false };

/** How Keras writes a class of layers. */
interface Form {
  /** Settings beside name, trainable and dtype, by Keras's names. */
  readonly keys: string;
  /** Keywords of a call, where there are any. */
  readonly kwargs?: { readonly [name: string]: Json };
  /** Whether its shapes are written too: those of layers that Keras builds. */
  readonly built?: boolean;
}

const WINDOW = 'kernel_size strides padding data_format dilation_rate';
const CONVOLUTION = `filters ${WINDOW} groups activation use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint`;
const TRANSPOSED = CONVOLUTION.replace('groups', 'output_padding');
const POOLING = 'pool_size padding strides data_format';
const GLOBAL = 'data_format keepdims';

const built = (keys: string, kwargs?: Form['kwargs']): Form =>
  kwargs ? { keys, kwargs, built: true } : { keys, built: true };
const bare = (keys: string, kwargs?: Form['kwargs']): Form => (kwargs ? { keys, kwargs } : { keys });

/**
 * The classes of TensorFlow.js that are the same function in Keras, with the settings that Keras 3.15 writes for each.
 * Recurrent and text layers are no part of this library.
 */
const FORMS: { readonly [className: string]: Form } = {
  Rescaling: built('scale offset'),
  Conv1D: built(CONVOLUTION),
  Conv2D: built(CONVOLUTION),
  Conv3D: built(CONVOLUTION),
  Conv2DTranspose: built(TRANSPOSED),
  Conv3DTranspose: built(TRANSPOSED),
  DepthwiseConv2D: built(
    `depth_multiplier ${WINDOW} activation use_bias depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer activity_regularizer depthwise_constraint bias_constraint`,
  ),
  SeparableConv2D: built(
    `depth_multiplier filters ${WINDOW} activation use_bias depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint pointwise_constraint bias_constraint`,
  ),
  Dense: built(
    'units activation use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer kernel_constraint bias_constraint quantization_config',
  ),
  BatchNormalization: built(
    'axis momentum epsilon center scale beta_initializer gamma_initializer moving_mean_initializer moving_variance_initializer beta_regularizer gamma_regularizer beta_constraint gamma_constraint synchronized renorm renorm_clipping renorm_momentum',
    MASKED,
  ),
  LayerNormalization: built(
    'axis epsilon center scale rms_scaling beta_initializer gamma_initializer beta_regularizer gamma_regularizer beta_constraint gamma_constraint',
  ),
  PReLU: built('alpha_initializer alpha_regularizer alpha_constraint shared_axes'),
  ZeroPadding2D: built('padding data_format'),
  Cropping2D: built('cropping data_format'),
  UpSampling2D: built('size data_format interpolation'),
  Flatten: built('data_format'),
  Permute: built('dims'),
  RepeatVector: built('n'),
  Add: built(''),
  Multiply: built(''),
  Average: built(''),
  Maximum: built(''),
  Minimum: built(''),
  Concatenate: built('axis'),
  Dot: built('axes normalize'),
  Activation: bare('activation'),
  ReLU: bare('max_value negative_slope threshold'),
  LeakyReLU: bare('negative_slope'),
  ELU: bare('alpha'),
  Softmax: bare('axis', MASKED),
  Reshape: bare('target_shape'),
  Dropout: bare('rate seed noise_shape', RANDOM),
  SpatialDropout1D: bare('rate seed', RANDOM),
  GaussianNoise: bare('stddev seed', RANDOM),
  GaussianDropout: bare('rate seed', RANDOM),
  AlphaDropout: bare('rate seed noise_shape', RANDOM),
  MaxPooling1D: bare(POOLING),
  MaxPooling2D: bare(POOLING),
  MaxPooling3D: bare(POOLING),
  AveragePooling1D: bare(POOLING),
  AveragePooling2D: bare(POOLING),
  AveragePooling3D: bare(POOLING),
  GlobalAveragePooling1D: bare(GLOBAL, MASKED),
  GlobalMaxPooling1D: bare(GLOBAL),
  GlobalAveragePooling2D: bare(GLOBAL),
  GlobalMaxPooling2D: bare(GLOBAL),
};

/** Settings that Keras writes and TensorFlow.js does not have, each with the value that is what TensorFlow.js does. */
const FIXED: { readonly [key: string]: Json } = {
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

/** Why a class of TensorFlow.js cannot be written, and what to use instead. */
const DIFFERENT: { readonly [className: string]: string } = {
  Resizing:
    'TensorFlow.js aligns the corners of the images and Keras does not: resize them before the model.',
  CenterCrop: 'TensorFlow.js resamples where Keras cuts: use cropping2D().',
  RandomWidth: 'Its draws are not those of Keras: use augment([zoom(...)]) on the dataset.',
  Masking: 'Masks are for text; images have none.',
  Embedding: 'This library writes models of images.',
};

/** A layer as Keras writes it, without its place in the graph. */
export interface LayerText {
  readonly className: string;
  readonly config: { readonly [key: string]: Json };
  readonly kwargs: { readonly [name: string]: Json };
  readonly built: boolean;
}

const FLOAT32 = kerasObject('keras', 'DTypePolicy', { name: 'float32' });

/**
 * Class, configuration and keywords of a layer in Keras 3.
 *
 * @throws `argument` fault naming the layer, for one that Keras cannot say.
 */
export function layerText(layer: tf.layers.Layer): LayerText {
  const given = layer.getConfig() as { readonly [key: string]: Json };
  const { name, trainable } = layer;
  if (name.includes('/')) throw refused(name, 'a name without "/"', name, 'Give the layer another name.');
  const known = layer.getClassName();
  if (known === 'InputLayer') {
    const { batchInputShape, dtype = 'float32', sparse = false } = given;
    const config = {
      batch_shape: batchInputShape!,
      dtype: dtype ?? 'float32',
      sparse,
      ragged: false,
      name,
      optional: false,
    };
    return { className: known, config, kwargs: {}, built: false };
  }
  const { className, settings } = renamed(layer, known, given);
  const form = Object.hasOwn(FORMS, className) ? FORMS[className] : undefined;
  if (!form) {
    const advice =
      DIFFERENT[known] ?? 'Only layers of images that Keras has too can be written: take it out.';
    throw refused(`${name} (${known})`, 'a layer that is the same in Keras', known, advice);
  }
  const keys = form.keys.split(' ').filter(Boolean);
  const own = Object.fromEntries(keys.map((key) => [key, setting(layer, settings, key)]));
  checkSame(layer, className, own);
  // Keras's spatial dropout takes no `trainable`, and its dtype by name.
  const config =
    className === 'SpatialDropout1D'
      ? { ...own, name, dtype: 'float32' }
      : { name, trainable, dtype: FLOAT32, ...own };
  return { className, config, kwargs: form.kwargs ?? {}, built: form.built ?? false };
}

interface Serializable {
  getClassName(): string;
  getConfig(): { readonly [key: string]: Json };
}

/** Classes and settings that have another name in Keras. */
function renamed(layer: tf.layers.Layer, className: string, config: { readonly [key: string]: Json }) {
  if (className === 'LeakyReLU') return { className, settings: { ...config, negativeSlope: config.alpha! } };
  // Keras 3 has it as a setting of ReLU.
  if (className === 'ThresholdedReLU')
    return { className: 'ReLU', settings: { ...config, threshold: config.theta! } };
  if (className === 'Conv2DTranspose' || className === 'Conv3DTranspose') {
    const sides = (config.kernelSize as readonly number[]).map(() => 1);
    return { className, settings: { ...config, dilationRate: sides } };
  }
  // TensorFlow.js writes the regulariser in the constraint's place.
  if (className === 'DepthwiseConv2D') {
    const { depthwiseConstraint: constraint } = layer as unknown as {
      depthwiseConstraint: Serializable | null;
    };
    const said = constraint && { className: constraint.getClassName(), config: constraint.getConfig() };
    return { className, settings: { ...config, depthwiseConstraint: said } };
  }
  if (className === 'Reshape') {
    const shape = (config.targetShape as readonly (number | null)[]).map((side) => side ?? -1);
    return { className, settings: { ...config, targetShape: shape } };
  }
  return { className, settings: config };
}

/** One setting, by Keras's name and in Keras's words. */
function setting(
  layer: tf.layers.Layer,
  config: { readonly [key: string]: Json | undefined },
  key: string,
): Json {
  const camel = camelCase(key);
  // Some layers of TensorFlow.js forget a setting when they write their configuration, but keep it as a field.
  const field = ['depthMultiplier', 'dataFormat'].includes(camel)
    ? (layer as unknown as { readonly [field: string]: Json | undefined })[camel]
    : undefined;
  const value = config[camel] ?? field ?? FIXED[key] ?? null;
  const path = `${layer.name} (${camel})`;
  if (key === 'activation') return kerasActivation(String(value ?? 'linear'), path);
  if (key.endsWith('_initializer')) return kerasInitializer(value, path);
  if (key.endsWith('_regularizer')) return kerasRegularizer(value, path);
  if (key.endsWith('_constraint')) return kerasConstraint(value, path);
  return key === 'data_format' ? underscored(String(value)) : value;
}

/** What has one name in both and is not the same. */
function checkSame(
  layer: tf.layers.Layer,
  className: string,
  config: { readonly [key: string]: Json },
): void {
  const { interpolation, dilation_rate: dilation } = config;
  if (interpolation !== undefined && interpolation !== 'nearest') {
    throw refused(
      `${layer.name} (interpolation)`,
      "'nearest'",
      `'${interpolation}'`,
      'TensorFlow.js takes other positions for bilinear samples than Keras: use nearest, or conv2dTranspose().',
    );
  }
  if (className === 'DepthwiseConv2D' && (dilation as readonly number[]).some((step) => step !== 1)) {
    throw refused(
      `${layer.name} (dilationRate)`,
      'no dilation',
      `[${dilation}]`,
      'The depthwise layer of TensorFlow.js takes no notice of it, and Keras does: leave it out.',
    );
  }
}

/** A layer that cannot be written, by name. */
export const refused = (path: string, expected: string, received: string, advice: string) =>
  fault({ kind: 'argument', path, expected, received, advice });
