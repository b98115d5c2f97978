import { applying, checkChannelsLast, type Making, passing, refusal, type Translator } from '../making.js';

/** Whether the call leaves the layer out for good. Keras 2 keeps to the phase that a call names. */
function isOff(making: Making): boolean {
  if (making.training) {
    throw refusal(
      making,
      'chance in training alone',
      'a call with training=True',
      'Build the model without it.',
    );
  }
  return making.training === false;
}

/** Dropout; each call of a shared one has a mask of its own. `same` says along which axes a mask is one number. */
const dropout =
  (same: (making: Making) => readonly (number | null)[] | undefined): Translator =>
  (making) => {
    const { config, make } = making;
    const rate = config.at('rate').number();
    if (!(rate >= 0 && rate < 1)) throw config.at('rate').wrong('a share from 0 up to, not including, 1');
    if (isOff(making)) return passing;
    const noiseShape = same(making);
    const args = { rate, ...(noiseShape ? { noiseShape } : {}) };
    return applying(make('Dropout', args));
  };

const noiseShape = ({ config, shapes }: Making) => {
  const part = config.at('noise_shape');
  if (part.missing) return undefined;
  const sizes = part.items().map((size) => (size.missing ? null : size.count()));
  const [shape] = shapes;
  const fits =
    sizes.length === shape!.length &&
    sizes.every((size, i) => size === null || size === 1 || size === shape![i]);
  if (!fits) throw part.wrong(`the sizes of [${shape!.join(', ')}], 1 or null`);
  return sizes;
};

/** A layer that only acts in training and that no step here can run. */
const leftOut: Translator = (making) => {
  const { layer, log } = making;
  const { className, name } = layer;
  if (!isOff(making)) log(`${name}: ${className} is left out, it only acts in training`);
  return passing;
};

/** Only as large as the image, or larger: then Keras leaves it as it is outside training. */
const randomCrop: Translator = (making) => {
  const { config, shapes } = making;
  const wanted = [config.at('height').count(), config.at('width').count()];
  const given = shapes[0]!.slice(1, 3);
  if (!wanted.every((size, axis) => size === given[axis])) {
    throw refusal(
      making,
      `images of ${wanted.join('x')} already`,
      given.map((size) => size ?? '?').join('x'),
      'Crop before the model.',
    );
  }
  return leftOut(making);
};

const LEFT_OUT = [
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

/** Layers that draw random numbers, and others that only act in training. */
export const CHANCE_LAYERS: { readonly [className: string]: Translator } = {
  Dropout: dropout(noiseShape),
  SpatialDropout2D: dropout((making) => {
    checkChannelsLast(making);
    return [null, 1, 1, null];
  }),
  RandomCrop: randomCrop,
  ...Object.fromEntries(LEFT_OUT.map((name) => [name, leftOut])),
};
