import { createLayerError } from './importContext.js';
import { isTensorReference, type LayerCall } from './inboundNodes.js';
import type { KerasLayer } from './modelStructure.js';

/** Arguments that operations take and layers do not, as `class argument`. */
const SUPPORTED_ARGUMENTS = ['GetItem args1', 'SlicingOpLambda slice_spec'];

/**
 * Rejects calls with a mask or another argument in addition to tensors, which no layer here supports.
 * Arguments of Keras 2 that only state the default are accepted.
 */
export function checkArguments(layer: KerasLayer, call: LayerCall): void {
  for (const [name, option] of Object.entries(call.kwargs)) {
    const isDefault =
      layer.className === 'TFOpLambda' &&
      ((name === 'dtype' && option.value === 'float32') ||
        (name === 'data_format' && option.value === 'NHWC'));
    if (!isDefault && !SUPPORTED_ARGUMENTS.includes(`${layer.className} ${name}`))
      throw option.createError(
        'no argument of this name',
        undefined,
        'Build the model without this argument.',
      );
  }
  if (layer.model && !call.operands.every(isTensorReference)) {
    throw createLayerError({ layer }, 'tensors as inputs', 'a constant', 'Build the model from layers.');
  }
}

/** Returns the dtype or mixed-precision policy of a layer. Only those with float32 weights are accepted. */
export function readDtype({ config }: KerasLayer): string {
  const dtype = config.at('dtype');
  if (dtype.isMissing) return 'float32';
  const name = dtype.isRecord ? dtype.at('config').at('name') : dtype;
  const supportedDtypes = ['float32', 'mixed_float16', 'mixed_bfloat16'];
  if (dtype.isRecord && dtype.at('class_name').value === 'QuantizedDTypePolicy') {
    throw name.createError('float32 weights', undefined, 'Save the model before quantizing it.');
  }
  if (!supportedDtypes.includes(name.asText())) {
    throw name.createError('"float32"', undefined, 'Build the model with float32 weights.');
  }
  return name.asText();
}
