import { apply, applying, checkChannelsLast, type Making, refusal, type Translator } from '../making.js';
import { weightSettings } from '../settings.js';
import { activated } from './activations.js';

const PADDING = ['valid', 'same'] as const;

/** What every convolution has. */
function windowArgs({ config }: Making) {
  return {
    kernelSize: config.at('kernel_size').pair(),
    strides: config.at('strides').pair(1, 1),
    padding: config.at('padding').oneOf(PADDING, 'valid'),
    dilationRate: config.at('dilation_rate').pair(1, 1),
    useBias: config.at('use_bias').flag(true),
  };
}

const conv: Translator = (making) => {
  checkChannelsLast(making);
  const groups = making.config.at('groups').count(1, 1);
  if (groups > 1) {
    throw refusal(
      making,
      'a convolution of one group',
      `${groups} groups`,
      'Use DepthwiseConv2D, or a convolution a group and Concatenate.',
    );
  }
  const args = {
    ...windowArgs(making),
    filters: making.config.at('filters').count(),
    ...weightSettings(making, 'kernel', 'bias'),
  };
  return activated(making, (activation, part) => making.make('Conv2D', { ...args, activation }, part));
};

const depthwise: Translator = (making) => {
  checkChannelsLast(making);
  const { dilationRate, ...window } = windowArgs(making);
  if (dilationRate.some((rate) => rate > 1)) {
    throw refusal(
      making,
      'a depthwise convolution without dilation',
      `dilation_rate ${dilationRate.join('x')}`,
      'The layer of TensorFlow.js does not heed it: use SeparableConv2D, whose layer does.',
    );
  }
  const args = {
    ...window,
    depthMultiplier: making.config.at('depth_multiplier').count(1, 1),
    ...weightSettings(making, 'depthwise', 'bias'),
  };
  return activated(making, (activation, part) =>
    making.make('DepthwiseConv2D', { ...args, activation }, part),
  );
};

const separable: Translator = (making) => {
  checkChannelsLast(making);
  const args = {
    ...windowArgs(making),
    filters: making.config.at('filters').count(),
    depthMultiplier: making.config.at('depth_multiplier').count(1, 1),
    ...weightSettings(making, 'depthwise', 'pointwise', 'bias'),
  };
  return activated(making, (activation, part) =>
    making.make('SeparableConv2D', { ...args, activation }, part),
  );
};

const transposed: Translator = (making) => {
  checkChannelsLast(making);
  const { dilationRate, ...window } = windowArgs(making);
  const extra = making.config.at('output_padding');
  if (!extra.missing || dilationRate.some((rate) => rate > 1)) {
    throw refusal(
      making,
      'a transposed convolution without dilation and output_padding',
      'one with them',
      'TensorFlow.js has neither.',
    );
  }
  const args = {
    ...window,
    filters: making.config.at('filters').count(),
    ...weightSettings(making, 'kernel', 'bias'),
  };
  return activated(making, (activation, part) =>
    making.make('Conv2DTranspose', { ...args, activation }, part),
  );
};

const pooling =
  (className: string): Translator =>
  (making) => {
    checkChannelsLast(making);
    const { config, make } = making;
    const poolSize = config.at('pool_size').pair(1, 2);
    const strides = config.at('strides').missing ? poolSize : config.at('strides').pair();
    return applying(
      make(className, { poolSize, strides, padding: config.at('padding').oneOf(PADDING, 'valid') }),
    );
  };

const globalPooling =
  (className: string): Translator =>
  (making) => {
    checkChannelsLast(making);
    const { config, make, shapes } = making;
    if (!config.at('keepdims').flag(false)) return applying(make(className, {}));
    const pool = make(className, {}, 'pool');
    const image = make('Reshape', { targetShape: [1, 1, shapes[0]!.at(-1)] });
    return ([x]) => apply(image, apply(pool, x!));
  };

/** `[[top, bottom], [left, right]]` from one number, two, or two of two. */
function edges({ config }: Making, name: string): [[number, number], [number, number]] {
  const part = config.at(name);
  if (!part.isList) {
    const all = part.count(0);
    return [
      [all, all],
      [all, all],
    ];
  }
  const [rows, columns, more] = part.items();
  if (!rows || !columns || more) throw part.wrong('edges of two axes');
  return [rows.pair(0), columns.pair(0)];
}

const zeroPadding: Translator = (making) => {
  checkChannelsLast(making);
  return applying(making.make('ZeroPadding2D', { padding: edges(making, 'padding') }));
};

const cropping: Translator = (making) => {
  checkChannelsLast(making);
  return applying(making.make('Cropping2D', { cropping: edges(making, 'cropping') }));
};

const upSampling: Translator = (making) => {
  checkChannelsLast(making);
  const { config, make } = making;
  const interpolation = config.at('interpolation').text('nearest');
  if (interpolation !== 'nearest') {
    throw refusal(
      making,
      'interpolation "nearest"',
      `"${interpolation}"`,
      'TensorFlow.js counts the corners of its pixels otherwise: use "nearest", or Conv2DTranspose.',
    );
  }
  return applying(make('UpSampling2D', { size: config.at('size').pair(1, 2), interpolation }));
};

/** Cuts the middle out; where Keras would enlarge a smaller image, TensorFlow.js does it otherwise. */
const centerCrop: Translator = (making) => {
  checkChannelsLast(making);
  const { config, make, shapes } = making;
  const wanted = [config.at('height').count(), config.at('width').count()];
  const [, ...given] = shapes[0]!;
  const cropping = wanted.map((size, axis) => {
    const extra = (given[axis] ?? -1) - size;
    if (extra < 0) {
      throw refusal(
        making,
        `images of a known size of at least ${wanted.join('x')}`,
        given.slice(0, 2).join('x'),
        'Give images of that size, and `input` where the model leaves it open.',
      );
    }
    const before = Math.floor(extra / 2);
    return [before, extra - before];
  });
  return applying(make('Cropping2D', { cropping }));
};

/** Nothing to do where the image has the size already; TensorFlow.js resizes by other corners. */
const resizing: Translator = (making) => {
  checkChannelsLast(making);
  const { config, shapes } = making;
  const wanted = [config.at('height').count(), config.at('width').count()];
  const given = shapes[0]!.slice(1, 3);
  if (wanted.every((size, axis) => size === given[axis])) return ([x]) => x!;
  throw refusal(
    making,
    `images of ${wanted.join('x')} already`,
    given.map((size) => size ?? '?').join('x'),
    'TensorFlow.js resizes otherwise than Keras: resize before the model, as imageFolder does.',
  );
};

/** Layers that move a window over an image, or change its edges. */
export const WINDOW_LAYERS: { readonly [className: string]: Translator } = {
  Conv2D: conv,
  Convolution2D: conv,
  DepthwiseConv2D: depthwise,
  SeparableConv2D: separable,
  SeparableConvolution2D: separable,
  Conv2DTranspose: transposed,
  Convolution2DTranspose: transposed,
  MaxPooling2D: pooling('MaxPooling2D'),
  MaxPool2D: pooling('MaxPooling2D'),
  AveragePooling2D: pooling('AveragePooling2D'),
  AvgPool2D: pooling('AveragePooling2D'),
  GlobalMaxPooling2D: globalPooling('GlobalMaxPooling2D'),
  GlobalMaxPool2D: globalPooling('GlobalMaxPooling2D'),
  GlobalAveragePooling2D: globalPooling('GlobalAveragePooling2D'),
  GlobalAvgPool2D: globalPooling('GlobalAveragePooling2D'),
  ZeroPadding2D: zeroPadding,
  Cropping2D: cropping,
  UpSampling2D: upSampling,
  CenterCrop: centerCrop,
  Resizing: resizing,
};
