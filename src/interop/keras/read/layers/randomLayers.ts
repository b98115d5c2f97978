import {
  checkChannelsLast,
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
  passThrough,
} from '../structure/importContext.js';

/**
 * Returns whether a Keras 2 call sets `training=False`, which disables a random layer. Throws a `file` error if the call sets
 * `training=True`.
 */
function isDisabledByCall(context: ImportContext): boolean {
  if (context.training) {
    throw createLayerError(
      context,
      'a call without training=True',
      'a call with training=True',
      'Build the model without training=True.',
    );
  }
  return context.training === false;
}

/**
 * Creates an importer for a dropout layer.
 *
 * @param readShape - Returns the shape of the dropout mask, with 1 for each axis along which the mask is constant.
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
  if (!isValid)
    throw part.createError(
      `an array with the size, 1 or null for each dimension of [${shape!.map((size) => size ?? 'batch').join(', ')}]`,
    );
  return sizes;
};

/** Omits a layer that has an effect only in training, because TensorFlow.js has no equivalent. */
const skipLayer: LayerImporter = (context) => {
  const { layer, log } = context;
  const { className, name } = layer;
  if (!isDisabledByCall(context)) log(`${name}: skipped ${className}, which only acts in training`);
  return passThrough;
};

/**
 * Imports the Keras `RandomCrop` layer if the images already have the crop size, so that the layer has no effect. Throws a `file` error
 * otherwise.
 */
const importRandomCrop: LayerImporter = (context) => {
  const { config, inputShapes } = context;
  const targetSize = [config.at('height').asInteger(), config.at('width').asInteger()];
  const inputSize = inputShapes[0]!.slice(1, 3);
  if (!targetSize.every((size, axis) => size === inputSize[axis])) {
    throw createLayerError(
      context,
      `images that already have the size ${targetSize.join('x')}`,
      `images of ${inputSize.map((size) => size ?? '?').join('x')}`,
      'Crop the images before you pass them to the model.',
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

/** Importers of layers that use random numbers or that have an effect only in training, keyed by Keras class name. */
export const RANDOM_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  Dropout: createDropoutImporter(readNoiseShape),
  SpatialDropout2D: createDropoutImporter((context) => {
    checkChannelsLast(context);
    return [null, 1, 1, null];
  }),
  RandomCrop: importRandomCrop,
  ...Object.fromEntries(SKIPPED_LAYERS.map((name) => [name, skipLayer])),
};
