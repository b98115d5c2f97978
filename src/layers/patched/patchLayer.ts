import { createError } from '../../core/errors/errors.js';
import { getOwnValue } from '../../core/lookup.js';
import type { tf } from '../../tensor/tf.js';
import { AveragePooling2D } from './averagePooling.js';
import { BatchNormalization } from './batchNormalization.js';
import { Conv2D, DepthwiseConv2D } from './convolution.js';
import { Dropout } from './dropout.js';
import { SeparableConv2D } from './separableConvolution.js';

/** Layer classes of this library that replace TensorFlow.js classes, keyed by the class name in saved models. */
const PATCHED_CLASSES: { readonly [className: string]: { readonly prototype: object } } = {
  Dropout,
  BatchNormalization,
  Conv2D,
  DepthwiseConv2D,
  SeparableConv2D,
  AveragePooling2D,
};

/**
 * Advice for the error that rejects a TensorFlow.js layer because the layer draws random numbers inside `call`. The entries are keyed by
 * class name.
 */
const UNSUPPORTED_LAYERS: { readonly [className: string]: string } = {
  GaussianNoise: 'Use dropout(), or add noise to the images.',
  GaussianDropout: 'Use dropout().',
  AlphaDropout: 'Use dropout().',
  SpatialDropout1D: 'Use dropout().',
  RandomWidth: 'Use dataset.augment([randomZoom(...)]).',
};

/**
 * Changes the class of a TensorFlow.js layer to the class of this library that replaces it, if there is one. The layer keeps its weights,
 * name, configuration, connections and saved class name. Changing the prototype is safe because the replacement classes add no fields and
 * no constructor.
 *
 * @param path - Position of the layer in the network, for errors, for example `branch age, block 3`.
 * @throws An `argument` error for a layer that draws random numbers (a step must be a pure function of its inputs), a nested model
 *   (TensorFlow.js does not restore its frozen layers from a saved model), batch normalization over an axis other than the last, or a
 *   dilated depthwise convolution.
 */
export function patchLayer<L extends tf.layers.Layer>(layer: L, path: string): L {
  checkSupportedLayer(layer, path);
  const replacement = getOwnValue(PATCHED_CLASSES, layer.getClassName());
  if (replacement) Object.setPrototypeOf(layer, replacement.prototype);
  if (layer instanceof BatchNormalization && layer.axis !== -1) checkLastAxis(layer, path);
  if (layer instanceof DepthwiseConv2D) checkDilation(layer, path);
  return layer;
}

/** Throws an `argument` error for a nested model, or a layer that draws random numbers. */
export function checkSupportedLayer(layer: tf.layers.Layer, path: string): void {
  const className = layer.getClassName();
  const advice = getOwnValue(UNSUPPORTED_LAYERS, className);
  if (advice === undefined && !('layers' in layer)) return;
  throw createError({
    kind: 'argument',
    path: `${path} (${layer.name})`,
    expected: advice === undefined ? 'a single layer' : 'a layer that does not draw random numbers',
    received: advice === undefined ? `a model (${className})` : `a ${className} layer`,
    advice: advice ?? 'Pass the layers of the model instead of the model. Nested models are not supported.',
  });
}

/**
 * Throws an `argument` error for a dilated depthwise convolution. TensorFlow.js ignores the dilation, so a saved model would give different
 * results without this library.
 */
function checkDilation(layer: DepthwiseConv2D, path: string): void {
  if (layer.dilationRate.every((rate) => rate === 1)) return;
  throw createError({
    kind: 'argument',
    path: `${path} (${layer.name})`,
    expected: 'a depthwise convolution without dilation',
    received: `a depthwise convolution with dilation ${layer.dilationRate.join('x')}`,
    advice:
      'Remove the dilationRate option, which TensorFlow.js ignores in predictions, or use conv(), which supports dilation.',
  });
}

function checkLastAxis(layer: BatchNormalization, path: string): void {
  const rank = (layer.inboundNodes[0]?.inputShapes[0] as unknown[] | undefined)?.length;
  if (rank === undefined || layer.axis === rank - 1) return;
  throw createError({
    kind: 'argument',
    path: `${path} (${layer.name})`,
    expected: 'batch normalization over the last axis (the channels)',
    received: `batch normalization over axis ${layer.axis}`,
    advice: 'Remove the axis option.',
  });
}
