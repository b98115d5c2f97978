import { describeType } from '../../../core/errors/formatValue.js';
import type { tf } from '../../../tensor/tf.js';
import { createLayerError } from './structure/importContext.js';
import type { KerasLayer } from './structure/modelStructure.js';

/**
 * Function that creates a layer of a custom class, from its configuration in the file and its required name.
 * The weights in the file are then assigned to the layer in order.
 * @category Files
 */
export type LayerFactory = (config: { readonly [key: string]: unknown }, name: string) => tf.layers.Layer;

/** Finds the factory of a class, which may be registered with or without its package name. */
export function findLayerFactory(
  factories: { readonly [className: string]: LayerFactory },
  className: string,
): LayerFactory | undefined {
  const bare = className.split('>').at(-1)!;
  return [className, bare]
    .map((name) => (Object.hasOwn(factories, name) ? factories[name] : undefined))
    .find(Boolean);
}

/** Creates a custom layer and checks it. */
export function createCustomLayer(factory: LayerFactory, layer: KerasLayer, name: string): tf.layers.Layer {
  const stock = factory(
    layer.config.isRecord ? (layer.config.value as object as Record<string, unknown>) : {},
    name,
  );
  if (typeof stock?.apply !== 'function') {
    throw createLayerError(
      { layer },
      `a tf.layers layer from layers.${layer.className}`,
      describeType(stock),
      'Return a layer, for example (config, name) => tf.layers.reLU({ name }).',
    );
  }
  if (stock.built)
    throw createLayerError(
      { layer },
      `a new layer from layers.${layer.className}`,
      'a layer that is already in use',
      'Create a new layer in every call.',
    );
  stock.name = name;
  return stock;
}
