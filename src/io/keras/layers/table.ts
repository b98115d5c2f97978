import { isTensor } from '../inbound.js';
import { refusal, type Translator } from '../making.js';
import type { KerasLayer } from '../structure.js';
import { ACTIVATION_LAYERS } from './activations.js';
import { CHANCE_LAYERS } from './chance.js';
import { MERGING_LAYERS } from './merging.js';
import { NORMALISATION_LAYERS } from './normalisations.js';
import { functionLayer, OPERATIONS } from './operations.js';
import { SHAPING_LAYERS } from './shaping.js';
import { getItem } from './slicing.js';
import { WINDOW_LAYERS } from './windows.js';

/** Layers of Keras that are read, by class. */
export const LAYERS: { readonly [className: string]: Translator } = {
  ...WINDOW_LAYERS,
  ...SHAPING_LAYERS,
  ...ACTIVATION_LAYERS,
  ...NORMALISATION_LAYERS,
  ...MERGING_LAYERS,
  ...CHANCE_LAYERS,
  TFOpLambda: functionLayer,
  SlicingOpLambda: getItem,
};

const own = (table: { readonly [className: string]: Translator }, className: string) =>
  Object.hasOwn(table, className) ? table[className] : undefined;

/**
 * What makes stock layers of a layer of Keras. `x * 2` is of a class called `Multiply` too, which only its module, where it
 * is written, and the constant tell from the layer.
 *
 * @throws `file` fault for a class that stock layers cannot say.
 */
export function translatorOf(layer: KerasLayer): Translator {
  const { className, module, calls } = layer;
  const constant = calls.some(({ operands }) => !operands.every(isTensor));
  const operation = own(OPERATIONS, className);
  if (operation && (constant || /\bops\b/.test(module))) return operation;
  const found = own(LAYERS, className) ?? operation;
  if (found && (!constant || className === 'TFOpLambda')) return found;
  throw refusal(
    { layer },
    'a layer for images that TensorFlow.js has',
    constant && found ? `${className} of a constant` : className,
    `Give a maker of your own: layers: { ${/^\w+$/.test(className) ? className : `'${className}'`}: (config, name) => layer }.`,
  );
}
