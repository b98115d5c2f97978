import { createArgumentError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { Network } from '../network/network.js';

/**
 * Freezes or unfreezes the layers that match `layer`. Returns their names in the order of the model.
 *
 * @param method - Whether to freeze or to unfreeze the layers.
 * @param layer - Name of a layer, a name with `*` for any characters, or a regular expression.
 * @throws An `argument` error if no layer matches.
 */
export function setTrainable(
  { layersModel }: Network,
  method: 'freeze' | 'unfreeze',
  layer: string | RegExp,
): readonly string[] {
  const matches = createLayerFilter(layer);
  const layers = layersModel.layers.filter(({ name }) => matches?.(name));
  if (layers.length === 0) {
    const names = layersModel.layers.map(({ name }) => name);
    const similar = typeof layer === 'string' ? didYouMean(layer, names) : undefined;
    throw createArgumentError(
      `model.${method}`,
      'the name of a layer, or a pattern that matches the name of a layer',
      layer instanceof RegExp ? String(layer) : formatValue(layer),
      similar ?? 'Call model.summary() to see the names of all layers.',
    );
  }
  for (const matched of layers) matched.trainable = method === 'unfreeze';
  return layers.map(({ name }) => name);
}

function createLayerFilter(layer: unknown): ((name: string) => boolean) | undefined {
  if (layer instanceof RegExp) return (name) => name.search(layer) >= 0; // search() ignores `lastIndex` of a global expression
  if (typeof layer !== 'string') return undefined;
  const parts = layer.split('*').map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('.*')}$`, 's');
  return (name) => pattern.test(name);
}
