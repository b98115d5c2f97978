import { createLayerError } from './structure/importContext.js';
import { isTensorReference, type LayerCall } from './structure/inboundNodes.js';
import type { KerasLayer } from './structure/modelStructure.js';

/** Supported call arguments other than tensors, in the form `class argument`. Only slicing operations have such arguments. */
const SUPPORTED_ARGUMENTS = ['GetItem args1', 'SlicingOpLambda slice_spec'];

/**
 * Throws a `file` error if a layer is called with a mask or any other argument in addition to tensors, because the imported layer would
 * ignore the argument. Keras 2 arguments that are equal to their defaults are allowed.
 */
export function checkArguments(layer: KerasLayer, call: LayerCall): void {
  for (const [name, option] of Object.entries(call.kwargs)) {
    const isDefault =
      layer.className === 'TFOpLambda' &&
      ((name === 'dtype' && option.value === 'float32') ||
        (name === 'data_format' && option.value === 'NHWC'));
    if (!isDefault && !SUPPORTED_ARGUMENTS.includes(`${layer.className} ${name}`))
      throw option.createError(
        'no value for this argument',
        undefined,
        'Build the model without this argument.',
      );
  }
  if (layer.model && !call.operands.every(isTensorReference)) {
    throw createLayerError(
      { layer },
      'only tensors as inputs of a nested model',
      'a constant',
      'Build the model from layers.',
    );
  }
}

/** Returns the dtype or mixed-precision policy of a layer. Throws a `file` error unless the weights are float32. */
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
