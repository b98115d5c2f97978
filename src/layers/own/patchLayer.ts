import { createError } from '../../core/errors/errors.js';
import type { tf } from '../../tensor/tf.js';
import { AveragePooling2D } from './averagePooling.js';
import { BatchNormalization } from './batchNormalization.js';
import { Conv2D, DepthwiseConv2D } from './convolution.js';
import { Dropout } from './dropout.js';
import { SeparableConv2D } from './separableConvolution.js';

/** Our classes under the stock names they write. */
const PATCHED_CLASSES: { readonly [className: string]: { readonly prototype: object } } = {
  Dropout,
  BatchNormalization,
  Conv2D,
  DepthwiseConv2D,
  SeparableConv2D,
  AveragePooling2D,
};

/** Stock layers that draw random numbers inside `call`, and what to use instead. */
const UNSUPPORTED_LAYERS: { readonly [className: string]: string } = {
  GaussianNoise: 'Use dropout(), or add noise to the images.',
  GaussianDropout: 'Use dropout().',
  AlphaDropout: 'Use dropout().',
  SpatialDropout1D: 'Use dropout().',
  RandomWidth: 'Use dataset.augment([randomZoom(...)]).',
};

/**
 * Puts our class in place of the stock one, in the layer itself: its weights, name, configuration and connections
 * stay, and so does the class name it writes. Our classes add no fields and no constructor, which is what makes this
 * safe. Other layers are left as they are.
 *
 * @param path - Where the layer stands, for errors: `branch age, block 3`.
 * @throws `argument` fault for a layer that draws random numbers by itself (a step must be a function of its inputs),
 *   for a nested model (in tfjs its freeze is lost on reload), for batch-norm over another axis than the last, and for a
 *   dilated depthwise convolution.
 */
export function patchLayer<L extends tf.layers.Layer>(layer: L, path: string): L {
  checkSupportedLayer(layer, path);
  const ours = PATCHED_CLASSES[layer.getClassName()];
  if (ours) Object.setPrototypeOf(layer, ours.prototype);
  if (layer instanceof BatchNormalization && layer.axis !== -1) checkLastAxis(layer, path);
  if (layer instanceof DepthwiseConv2D) checkDilation(layer, path);
  return layer;
}

/** What {@link patchLayer} refuses whatever the layer stands behind: a nested model, a layer that draws by itself. */
export function checkSupportedLayer(layer: tf.layers.Layer, path: string): void {
  const className = layer.getClassName();
  const advice = UNSUPPORTED_LAYERS[className];
  if (advice === undefined && !('layers' in layer)) return;
  throw createError({
    kind: 'argument',
    path: `${path} (${layer.name})`,
    expected: advice === undefined ? 'a single layer' : 'a layer that draws no random numbers of its own',
    received: advice === undefined ? `a model (${className})` : className,
    advice: advice ?? 'Pass the layers of the model one by one: a network is flat.',
  });
}

/** The stock layer passes over a dilation, and so would everyone who opens a saved model without this library. */
function checkDilation(layer: DepthwiseConv2D, path: string): void {
  if (layer.dilationRate.every((rate) => rate === 1)) return;
  throw createError({
    kind: 'argument',
    path: `${path} (${layer.name})`,
    expected: 'a depthwise convolution without dilation',
    received: `dilation ${layer.dilationRate.join('x')}`,
    advice: 'Remove it, because TensorFlow.js ignores it in predictions. conv() supports dilation.',
  });
}

function checkLastAxis(layer: BatchNormalization, path: string): void {
  const rank = (layer.inboundNodes[0]?.inputShapes[0] as unknown[] | undefined)?.length;
  if (rank === undefined || layer.axis === rank - 1) return;
  throw createError({
    kind: 'argument',
    path: `${path} (${layer.name})`,
    expected: 'batch normalization over the last axis, the channels',
    received: `axis ${layer.axis}`,
    advice: 'Omit the axis.',
  });
}
