import {
  applyLayer,
  checkChannelsLast,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
} from '../structure/importContext.js';
import { readWeightConfig } from '../structure/weightConfig.js';
import { importWithActivation } from './activationLayers.js';

const PADDING_MODES = ['valid', 'same'] as const;

/** Reads the settings that all convolution layers have in common. */
function readConvArgs({ config }: ImportContext) {
  return {
    kernelSize: config.at('kernel_size').asIntegerPair(),
    strides: config.at('strides').asIntegerPair(1, 1),
    padding: config.at('padding').asOneOf(PADDING_MODES, 'valid'),
    dilationRate: config.at('dilation_rate').asIntegerPair(1, 1),
    useBias: config.at('use_bias').asBoolean(true),
  };
}

const importConv2D: LayerImporter = (context) => {
  checkChannelsLast(context);
  const groups = context.config.at('groups').asInteger(1, 1);
  if (groups > 1) {
    throw createLayerError(
      context,
      'a convolution with one group',
      `a convolution with ${groups} groups`,
      'Use DepthwiseConv2D, or use one convolution per group followed by Concatenate.',
    );
  }
  const args = {
    ...readConvArgs(context),
    filters: context.config.at('filters').asInteger(),
    ...readWeightConfig(context, 'kernel', 'bias'),
  };
  return importWithActivation(context, (activation, part) =>
    context.createLayer('Conv2D', { ...args, activation }, part),
  );
};

const importDepthwiseConv2D: LayerImporter = (context) => {
  checkChannelsLast(context);
  const { dilationRate, ...convArgs } = readConvArgs(context);
  if (dilationRate.some((rate) => rate > 1)) {
    throw createLayerError(
      context,
      'a depthwise convolution without dilation',
      `a depthwise convolution with dilation_rate ${dilationRate.join('x')}`,
      'Use SeparableConv2D: the depthwise layer of TensorFlow.js ignores dilation.',
    );
  }
  const args = {
    ...convArgs,
    depthMultiplier: context.config.at('depth_multiplier').asInteger(1, 1),
    ...readWeightConfig(context, 'depthwise', 'bias'),
  };
  return importWithActivation(context, (activation, part) =>
    context.createLayer('DepthwiseConv2D', { ...args, activation }, part),
  );
};

const importSeparableConv2D: LayerImporter = (context) => {
  checkChannelsLast(context);
  const args = {
    ...readConvArgs(context),
    filters: context.config.at('filters').asInteger(),
    depthMultiplier: context.config.at('depth_multiplier').asInteger(1, 1),
    ...readWeightConfig(context, 'depthwise', 'pointwise', 'bias'),
  };
  return importWithActivation(context, (activation, part) =>
    context.createLayer('SeparableConv2D', { ...args, activation }, part),
  );
};

const importConv2DTranspose: LayerImporter = (context) => {
  checkChannelsLast(context);
  const { dilationRate, ...convArgs } = readConvArgs(context);
  const outputPadding = context.config.at('output_padding');
  if (!outputPadding.isMissing || dilationRate.some((rate) => rate > 1)) {
    throw createLayerError(
      context,
      'a transposed convolution without dilation or output_padding',
      'a transposed convolution with dilation or output_padding',
      'Build the model without these options, because TensorFlow.js supports neither.',
    );
  }
  const args = {
    ...convArgs,
    filters: context.config.at('filters').asInteger(),
    ...readWeightConfig(context, 'kernel', 'bias'),
  };
  return importWithActivation(context, (activation, part) =>
    context.createLayer('Conv2DTranspose', { ...args, activation }, part),
  );
};

const createPoolingImporter =
  (className: string): LayerImporter =>
  (context) => {
    checkChannelsLast(context);
    const { config, createLayer } = context;
    const poolSize = config.at('pool_size').asIntegerPair(1, 2);
    const strides = config.at('strides').isMissing ? poolSize : config.at('strides').asIntegerPair();
    return createApply(
      createLayer(className, {
        poolSize,
        strides,
        padding: config.at('padding').asOneOf(PADDING_MODES, 'valid'),
      }),
    );
  };

const createGlobalPoolingImporter =
  (className: string): LayerImporter =>
  (context) => {
    checkChannelsLast(context);
    const { config, createLayer, inputShapes } = context;
    if (!config.at('keepdims').asBoolean(false)) return createApply(createLayer(className, {}));
    const pool = createLayer(className, {}, 'pool');
    const reshape = createLayer('Reshape', { targetShape: [1, 1, inputShapes[0]!.at(-1)] });
    return ([x]) => applyLayer(reshape, applyLayer(pool, x!));
  };

/**
 * Reads the padding or cropping of the image edges as `[[top, bottom], [left, right]]`. Keras stores one number, two numbers, or two pairs.
 */
function readEdges({ config }: ImportContext, name: string): [[number, number], [number, number]] {
  const part = config.at(name);
  if (!part.isList) {
    const all = part.asInteger(0);
    return [
      [all, all],
      [all, all],
    ];
  }
  const [rows, columns, more] = part.items();
  if (!rows || !columns || more) throw part.createError('one number, two numbers or two pairs of numbers');
  return [rows.asIntegerPair(0), columns.asIntegerPair(0)];
}

const importZeroPadding2D: LayerImporter = (context) => {
  checkChannelsLast(context);
  return createApply(context.createLayer('ZeroPadding2D', { padding: readEdges(context, 'padding') }));
};

const importCropping2D: LayerImporter = (context) => {
  checkChannelsLast(context);
  return createApply(context.createLayer('Cropping2D', { cropping: readEdges(context, 'cropping') }));
};

const importUpSampling2D: LayerImporter = (context) => {
  checkChannelsLast(context);
  const { config, createLayer } = context;
  const interpolation = config.at('interpolation').asText('nearest');
  if (interpolation !== 'nearest') {
    throw createLayerError(
      context,
      'interpolation "nearest"',
      `interpolation "${interpolation}"`,
      'Use "nearest", or Conv2DTranspose: bilinear interpolation samples different positions in TensorFlow.js than in Keras.',
    );
  }
  return createApply(
    createLayer('UpSampling2D', { size: config.at('size').asIntegerPair(1, 2), interpolation }),
  );
};

/**
 * Imports the Keras `CenterCrop` layer. Throws a `file` error if the images are smaller than the crop size, because Keras would resize
 * such images, and TensorFlow.js resizes differently.
 */
const importCenterCrop: LayerImporter = (context) => {
  checkChannelsLast(context);
  const { config, createLayer, inputShapes } = context;
  const targetSize = [config.at('height').asInteger(), config.at('width').asInteger()];
  const [, ...inputSize] = inputShapes[0]!;
  const cropping = targetSize.map((size, axis) => {
    const extra = (inputSize[axis] ?? -1) - size;
    if (extra < 0) {
      throw createLayerError(
        context,
        `images of a fixed size of at least ${targetSize.join('x')}`,
        `images of ${inputSize
          .slice(0, 2)
          .map((size) => size ?? '?')
          .join('x')}`,
        'Use images of at least that size, and pass `input` if the file does not specify the size.',
      );
    }
    const before = Math.floor(extra / 2);
    return [before, extra - before];
  });
  return createApply(createLayer('Cropping2D', { cropping }));
};

/**
 * Imports the Keras `Resizing` layer if the images already have the target size. Throws a `file` error otherwise, because TensorFlow.js and
 * Keras use different sampling positions.
 */
const importResizing: LayerImporter = (context) => {
  checkChannelsLast(context);
  const { config, inputShapes } = context;
  const targetSize = [config.at('height').asInteger(), config.at('width').asInteger()];
  const inputSize = inputShapes[0]!.slice(1, 3);
  if (targetSize.every((size, axis) => size === inputSize[axis])) return ([x]) => x!;
  throw createLayerError(
    context,
    `images that already have the size ${targetSize.join('x')}`,
    `images of ${inputSize.map((size) => size ?? '?').join('x')}`,
    'Resize the images before you pass them to the model, as imageFolder() does: TensorFlow.js and Keras resize differently.',
  );
};

/** Importers of convolution, pooling, padding, cropping and resizing layers, keyed by Keras class name. */
export const CONV_AND_POOL_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Conv2D: importConv2D,
  Convolution2D: importConv2D,
  DepthwiseConv2D: importDepthwiseConv2D,
  SeparableConv2D: importSeparableConv2D,
  SeparableConvolution2D: importSeparableConv2D,
  Conv2DTranspose: importConv2DTranspose,
  Convolution2DTranspose: importConv2DTranspose,
  MaxPooling2D: createPoolingImporter('MaxPooling2D'),
  MaxPool2D: createPoolingImporter('MaxPooling2D'),
  AveragePooling2D: createPoolingImporter('AveragePooling2D'),
  AvgPool2D: createPoolingImporter('AveragePooling2D'),
  GlobalMaxPooling2D: createGlobalPoolingImporter('GlobalMaxPooling2D'),
  GlobalMaxPool2D: createGlobalPoolingImporter('GlobalMaxPooling2D'),
  GlobalAveragePooling2D: createGlobalPoolingImporter('GlobalAveragePooling2D'),
  GlobalAvgPool2D: createGlobalPoolingImporter('GlobalAveragePooling2D'),
  ZeroPadding2D: importZeroPadding2D,
  Cropping2D: importCropping2D,
  UpSampling2D: importUpSampling2D,
  CenterCrop: importCenterCrop,
  Resizing: importResizing,
};
