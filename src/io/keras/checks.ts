import { type Call, isTensor } from './inbound.js';
import { refusal } from './making.js';
import type { KerasLayer } from './structure.js';

/** No layer here takes a mask, or another argument beside its tensors. A `cast` of Keras 2 names the type that all is of. */
export function checkArguments(layer: KerasLayer, call: Call): void {
  for (const [name, option] of Object.entries(call.options)) {
    const cast = layer.className === 'TFOpLambda' && name === 'dtype' && option.value === 'float32';
    if (!cast) throw option.wrong('no such argument', undefined, 'Build the model without it.');
  }
  if (layer.model && !call.operands.every(isTensor)) {
    throw refusal({ layer }, 'tensors', 'a constant', 'Build the model from layers.');
  }
}

/** Weights are float32 here; Keras's mixed policies keep them so too. */
export function checkDtype({ config }: KerasLayer): void {
  const dtype = config.at('dtype');
  if (dtype.missing) return;
  const name = dtype.isRecord ? dtype.at('config').at('name') : dtype;
  const kept = ['float32', 'mixed_float16', 'mixed_bfloat16'];
  if (dtype.isRecord && dtype.at('class_name').value === 'QuantizedDTypePolicy') {
    throw name.wrong('weights of float32', undefined, 'Save the model before quantising it.');
  }
  if (!kept.includes(name.text())) {
    throw name.wrong('"float32"', undefined, 'Build the model with float32 weights.');
  }
}
