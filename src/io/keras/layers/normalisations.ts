import type { JsonPart } from '../jsonPart.js';
import { applying, type Making, refusal, type Translator } from '../making.js';
import { weightSettings } from '../settings.js';
import { affine } from './affine.js';

const axes = (part: JsonPart) => (part.isList ? part.items() : [part]).map((axis) => axis.count(-8));

function checkLastAxis(making: Making): void {
  const part = making.config.at('axis');
  if (part.missing) return;
  const rank = making.shapes[0]!.length;
  const [axis, ...more] = axes(part);
  if (more.length === 0 && (axis === -1 || axis === rank - 1)) return;
  throw part.wrong('the last axis, the channels', undefined, 'TensorFlow.js has no other.');
}

const batchNormalization: Translator = (making) => {
  const { config, make } = making;
  checkLastAxis(making);
  for (const name of ['renorm', 'virtual_batch_size']) {
    const part = config.at(name);
    if (part.value) throw part.wrong('none', undefined, 'TensorFlow.js has no such thing.');
  }
  const scale = config.at('scale').flag(true);
  const center = config.at('center').flag(true);
  return applying(
    make('BatchNormalization', {
      axis: -1,
      momentum: config.at('momentum').number(0.99),
      epsilon: config.at('epsilon').number(1e-3),
      scale,
      center,
      // Keras 2 can name a phase at the call. Frozen, the layer keeps to its statistics as well.
      ...(frozenByCall(making) ? { trainable: false } : {}),
      ...weightSettings(making, ...(scale ? ['gamma'] : []), ...(center ? ['beta'] : [])),
    }),
  );
};

function frozenByCall(making: Making): boolean {
  const { training, layer, log } = making;
  if (training) {
    throw refusal(
      making,
      'batch normalisation in the phase of the run',
      'a call with training=True',
      'Build the model without it.',
    );
  }
  if (training === undefined || !layer.trainable) return false;
  log(`${layer.name}: called with training=False, so it is frozen`);
  return true;
}

const layerNormalization: Translator = (making) => {
  const { config, make } = making;
  const rms = config.at('rms_scaling');
  if (rms.value) throw rms.wrong('none', undefined, 'TensorFlow.js has no such thing.');
  const axis = config.at('axis');
  return applying(
    make('LayerNormalization', {
      axis: axis.missing ? -1 : axis.isList ? axes(axis) : axes(axis)[0],
      epsilon: config.at('epsilon').number(1e-3),
      center: config.at('center').flag(true),
      scale: config.at('scale').flag(true),
      ...weightSettings(making, 'gamma', 'beta'),
    }),
  );
};

/** `(x - mean) / deviation`: the numbers stand in the configuration, or among the weights. */
const normalization: Translator = (making) => {
  const { config, shapes } = making;
  const whole = config.at('axis').isList ? config.at('axis').items().length === 0 : config.at('axis').missing;
  if (!whole) checkLastAxis(making);
  const invert = config.at('invert').flag(false);
  const numbers = ([mean, variance]: readonly Float32Array[]) => {
    const deviation = variance!.map((value) => Math.max(Math.sqrt(value), 1e-7));
    return invert
      ? ([deviation, mean!] as const)
      : ([deviation.map((d) => 1 / d), mean!.map((value, i) => -value / deviation[i]!)] as const);
  };
  const given = ['mean', 'variance'].map((name) => config.at(name));
  if (given.every((part) => !part.missing)) {
    return affine(making, [], () => numbers(given.map((part) => Float32Array.from(flatNumbers(part)))));
  }
  const shape = whole ? [] : [shapes[0]!.at(-1) ?? 0];
  const stored = ['mean', 'variance'].map((name) => ({ name, shape }));
  return affine(making, [...stored, { name: 'count', shape: [] }], numbers);
};

/** Numbers of nested lists: Keras keeps a mean as `[[[0.5, 0.4, 0.3]]]`. */
function flatNumbers(part: JsonPart): number[] {
  return part.isList ? part.items().flatMap(flatNumbers) : [part.number()];
}

/** One number for all channels stays Keras's own layer, a list becomes a convolution. */
const rescaling: Translator = (making) => {
  const { config, make } = making;
  const scale = config.at('scale');
  const offset = config.at('offset');
  if (!scale.isList && !offset.isList) {
    return applying(make('Rescaling', { scale: scale.number(), offset: offset.number(0) }));
  }
  const [factor, summand] = [flatNumbers(scale), offset.missing ? [0] : flatNumbers(offset)];
  return affine(making, [], () => [Float32Array.from(factor), Float32Array.from(summand)]);
};

/** Layers that bring numbers into a range. */
export const NORMALISATION_LAYERS: { readonly [className: string]: Translator } = {
  BatchNormalization: batchNormalization,
  BatchNormalizationV1: batchNormalization,
  SyncBatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Normalization: normalization,
  Rescaling: rescaling,
};
