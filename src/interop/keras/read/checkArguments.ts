import { createLayerError } from './importContext.js';
import { isTensorReference, type LayerCall } from './inboundNodes.js';
import type { KerasLayer } from './modelStructure.js';

/** Arguments that operations take, and layers do not. */
const SUPPORTED_ARGUMENTS = ['GetItem args1', 'SlicingOpLambda slice_spec'];

/** No layer here takes a mask, or another argument beside its tensors. Some of Keras 2 name what all is anyway. */
export function checkArguments(layer: KerasLayer, call: LayerCall): void {
  for (const [name, option] of Object.entries(call.kwargs)) {
    const said =
      layer.className === 'TFOpLambda' &&
      ((name === 'dtype' && option.value === 'float32') ||
        (name === 'data_format' && option.value === 'NHWC'));
    if (!said && !SUPPORTED_ARGUMENTS.includes(`${layer.className} ${name}`))
      throw option.createError('no such argument', undefined, 'Build the model without it.');
  }
  if (layer.model && !call.operands.every(isTensorReference)) {
    throw createLayerError({ layer }, 'tensors', 'a constant', 'Build the model from layers.');
  }
}

/** The type a layer computes in by the file. Weights are float32 here; Keras's mixed policies keep them so too. */
export function readDtype({ config }: KerasLayer): string {
  const dtype = config.at('dtype');
  if (dtype.isMissing) return 'float32';
  const name = dtype.isRecord ? dtype.at('config').at('name') : dtype;
  const kept = ['float32', 'mixed_float16', 'mixed_bfloat16'];
  if (dtype.isRecord && dtype.at('class_name').value === 'QuantizedDTypePolicy') {
    throw name.createError('weights of float32', undefined, 'Save the model before quantising it.');
  }
  if (!kept.includes(name.asText())) {
    throw name.createError('"float32"', undefined, 'Build the model with float32 weights.');
  }
  return name.asText();
}
