import type { JsonNode } from '../../file/jsonNode.js';
import {
  createApply,
  createLayerError,
  type ImportContext,
  type LayerImporter,
} from '../structure/importContext.js';
import { readWeightConfig } from '../structure/weightConfig.js';
import { createAffineLayer } from './affineLayer.js';

const readAxes = (part: JsonNode) => (part.isList ? part.items() : [part]).map((axis) => axis.asInteger(-8));

function checkLastAxis(context: ImportContext): void {
  const part = context.config.at('axis');
  if (part.isMissing) return;
  const rank = context.inputShapes[0]!.length;
  const [axis, ...more] = readAxes(part);
  if (more.length === 0 && (axis === -1 || axis === rank - 1)) return;
  throw part.createError(
    'the last axis (the channels)',
    undefined,
    'Use the last axis, because TensorFlow.js does not support any other axis.',
  );
}

const importBatchNormalization: LayerImporter = (context) => {
  const { config, createLayer } = context;
  checkLastAxis(context);
  for (const name of ['renorm', 'virtual_batch_size']) {
    const part = config.at(name);
    if (part.value)
      throw part.createError(
        'no value for this setting',
        undefined,
        'Build the model without it, because TensorFlow.js does not support it.',
      );
  }
  const scale = config.at('scale').asBoolean(true);
  const center = config.at('center').asBoolean(true);
  return createApply(
    createLayer('BatchNormalization', {
      axis: -1,
      momentum: config.at('momentum').asNumber(0.99),
      epsilon: config.at('epsilon').asNumber(1e-3),
      scale,
      center,
      // In Keras 2, a call can set `training=False`. The layer is frozen here because a frozen layer also uses its moving statistics.
      ...(isFrozenByCall(context) ? { trainable: false } : {}),
      ...readWeightConfig(context, ...(scale ? ['gamma'] : []), ...(center ? ['beta'] : [])),
    }),
  );
};

function isFrozenByCall(context: ImportContext): boolean {
  const { training, layer, log } = context;
  if (training) {
    throw createLayerError(
      context,
      'a call without training=True',
      'a call with training=True',
      'Build the model without training=True.',
    );
  }
  if (training === undefined || !layer.trainable) return false;
  log(`${layer.name}: frozen, because it is called with training=False`);
  return true;
}

const importLayerNormalization: LayerImporter = (context) => {
  const { config, createLayer } = context;
  const rms = config.at('rms_scaling');
  if (rms.value)
    throw rms.createError(
      'no value for this setting',
      undefined,
      'Build the model without it, because TensorFlow.js does not support it.',
    );
  const axis = config.at('axis');
  return createApply(
    createLayer('LayerNormalization', {
      axis: axis.isMissing ? -1 : axis.isList ? readAxes(axis) : readAxes(axis)[0],
      epsilon: config.at('epsilon').asNumber(1e-3),
      center: config.at('center').asBoolean(true),
      scale: config.at('scale').asBoolean(true),
      ...readWeightConfig(context, 'gamma', 'beta'),
    }),
  );
};

/**
 * Imports the Keras `Normalization` layer, which computes `(x - mean) / deviation`. The mean and the variance are in the configuration or
 * in the weights of the file.
 */
const importNormalization: LayerImporter = (context) => {
  const { config, inputShapes } = context;
  const isScalar = config.at('axis').isList
    ? config.at('axis').items().length === 0
    : config.at('axis').isMissing;
  if (!isScalar) checkLastAxis(context);
  const isInverted = config.at('invert').asBoolean(false);
  const toScaleAndOffset = ([mean, variance]: readonly Float32Array[]) => {
    const deviation = variance!.map((value) => Math.max(Math.sqrt(value), 1e-7));
    return isInverted
      ? ([deviation, mean!] as const)
      : ([deviation.map((d) => 1 / d), mean!.map((value, i) => -value / deviation[i]!)] as const);
  };
  const constants = ['mean', 'variance'].map((name) => config.at(name));
  if (constants.every((part) => !part.isMissing)) {
    return createAffineLayer(context, [], () =>
      toScaleAndOffset(constants.map((part) => Float32Array.from(flattenNumbers(part)))),
    );
  }
  const shape = isScalar ? [] : [inputShapes[0]!.at(-1) ?? 0];
  const statistics = ['mean', 'variance'].map((name) => ({ name, shape }));
  return createAffineLayer(context, [...statistics, { name: 'count', shape: [] }], toScaleAndOffset);
};

/** Reads all numbers from nested lists. Keras stores the means of channels as `[[[0.5, 0.4, 0.3]]]`. */
function flattenNumbers(node: JsonNode): number[] {
  const part = node.unwrapNumpy();
  return part.isList ? part.items().flatMap(flattenNumbers) : [part.asNumber()];
}

/**
 * Imports the Keras `Rescaling` layer. TensorFlow.js supports only one scale and one offset for all channels, so if the channels have
 * different values, an affine layer is created instead.
 */
const importRescaling: LayerImporter = (context) => {
  const { config, createLayer } = context;
  const scale = config.at('scale').unwrapNumpy();
  const offset = config.at('offset').unwrapNumpy();
  if (!scale.isList && !offset.isList) {
    return createApply(createLayer('Rescaling', { scale: scale.asNumber(), offset: offset.asNumber(0) }));
  }
  const [factor, summand] = [flattenNumbers(scale), offset.isMissing ? [0] : flattenNumbers(offset)];
  return createAffineLayer(context, [], () => [Float32Array.from(factor), Float32Array.from(summand)]);
};

/** Importers of normalization and rescaling layers, keyed by Keras class name. */
export const NORMALIZATION_IMPORTERS: { readonly [className: string]: LayerImporter } = {
  BatchNormalization: importBatchNormalization,
  BatchNormalizationV1: importBatchNormalization,
  SyncBatchNormalization: importBatchNormalization,
  LayerNormalization: importLayerNormalization,
  Normalization: importNormalization,
  Rescaling: importRescaling,
};
