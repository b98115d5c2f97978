import {
  checkChannelsLast,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
  passThrough,
} from '../structure/importContext.js';

/** Returns whether the call sets `training=False`, which disables the layer. Keras 2 respects this argument. */
function isDisabledByCall(context: ImportContext): boolean {
  if (context.training) {
    throw createLayerError(
      context,
      'random layers that are active only in training',
      'a call with training=True',
      'Build the model without training=True.',
    );
  }
  return context.training === false;
}

/**
 * Creates an importer for a dropout layer. Each call of a shared layer has a separate mask.
 *
 * @param readShape - Returns the noise shape: 1 for an axis along which the mask is constant.
 */
const createDropoutImporter =
  (readShape: (context: ImportContext) => readonly (number | null)[] | undefined): LayerImporter =>
  (context) => {
    const { config, createLayer } = context;
    const rate = config.at('rate').asNumber();
    if (!(rate >= 0 && rate < 1))
      throw config.at('rate').createError('a number of at least 0 and less than 1');
    if (isDisabledByCall(context)) return passThrough;
    const noiseShape = readShape(context);
    const args = { rate, ...(noiseShape ? { noiseShape } : {}) };
    return createApply(createLayer('Dropout', args));
  };

const readNoiseShape = ({ config, inputShapes }: ImportContext) => {
  const part = config.at('noise_shape');
  if (part.isMissing) return undefined;
  const sizes = part.items().map((size) => (size.isMissing ? null : size.asInteger()));
  const [shape] = inputShapes;
  const isValid =
    sizes.length === shape!.length &&
    sizes.every((size, i) => size === null || size === 1 || size === shape![i]);
  if (!isValid) throw part.createError(`for each dimension of [${shape!.join(', ')}] its size, 1 or null`);
  return sizes;
};

/** Skips a layer that only acts in training and has no equivalent in TensorFlow.js. */
const skipLayer: LayerImporter = (context) => {
  const { layer, log } = context;
  const { className, name } = layer;
  if (!isDisabledByCall(context)) log(`${name}: skipped ${className}, which only acts in training`);
  return passThrough;
};

/** Imports `RandomCrop` if images already have its size, so that the layer has no effect. */
const importRandomCrop: LayerImporter = (context) => {
  const { config, inputShapes } = context;
  const targetSize = [config.at('height').asInteger(), config.at('width').asInteger()];
  const inputSize = inputShapes[0]!.slice(1, 3);
  if (!targetSize.every((size, axis) => size === inputSize[axis])) {
    throw createLayerError(
      context,
      `images that already have the size ${targetSize.join('x')}`,
      `images of ${inputSize.map((size) => size ?? '?').join('x')}`,
      'Crop the images before the model.',
    );
  }
  return skipLayer(context);
};

const SKIPPED_LAYERS = [
  'GaussianNoise',
  'GaussianDropout',
  'AlphaDropout',
  'ActivityRegularization',
  'RandomFlip',
  'RandomRotation',
  'RandomZoom',
  'RandomTranslation',
  'RandomContrast',
  'RandomBrightness',
  'RandomSharpness',
  'RandomSaturation',
  'RandomHue',
  'RandomColorJitter',
  'RandomColorDegeneration',
  'RandomErasing',
  'RandomGrayscale',
  'RandomPosterization',
  'RandomShear',
  'RandomGaussianBlur',
  'RandomPerspective',
  'RandomElasticTransform',
  'RandomInvert',
  'RandomHeight',
  'RandomWidth',
  'RandAugment',
  'AugMix',
  'MixUp',
  'CutMix',
];

/** Importers of layers that draw random numbers or that only act in training. */
export const RANDOM_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Dropout: createDropoutImporter(readNoiseShape),
  SpatialDropout2D: createDropoutImporter((context) => {
    checkChannelsLast(context);
    return [null, 1, 1, null];
  }),
  RandomCrop: importRandomCrop,
  ...Object.fromEntries(SKIPPED_LAYERS.map((name) => [name, skipLayer])),
};
