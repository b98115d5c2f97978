import type { tf } from '../../../tensor/tf.js';
import { createLayerError } from './importContext.js';
import type { KerasLayer } from './modelStructure.js';

/**
 * Makes a layer of a class that this library does not know: from its configuration as the file has it, and the name it
 * must have. Its weights are taken from the file in order.
 *
 * @category Files
 */
export type LayerFactory = (config: { readonly [key: string]: unknown }, name: string) => tf.layers.Layer;

/** The maker of a class, which may be given with its package or without. */
export function findLayerFactory(
  makers: { readonly [className: string]: LayerFactory },
  className: string,
): LayerFactory | undefined {
  const bare = className.split('>').at(-1)!;
  return [className, bare]
    .map((name) => (Object.hasOwn(makers, name) ? makers[name] : undefined))
    .find(Boolean);
}

/** What a maker gives, checked and named. */
export function createCustomLayer(maker: LayerFactory, layer: KerasLayer, name: string): tf.layers.Layer {
  const stock = maker(
    layer.config.isRecord ? (layer.config.value as object as Record<string, unknown>) : {},
    name,
  );
  if (typeof stock?.apply !== 'function') {
    throw createLayerError({ layer }, `a tf.layers layer from layers.${layer.className}`, String(stock), '');
  }
  if (stock.built)
    throw createLayerError({ layer }, `a new layer from layers.${layer.className}`, 'one in use', '');
  stock.name = name;
  return stock;
}
