import { describeType } from '../../../core/errors/formatValue.js';
import type { tf } from '../../../tensor/tf.js';
import { createLayerError } from './structure/importContext.js';
import type { KerasLayer } from './structure/modelStructure.js';

/**
 * Function that creates the TensorFlow.js layer for a custom Keras layer. It receives the layer's configuration from the file and the name
 * that the new layer must have. The weights in the file are then assigned to the weights of the new layer in order.
 * @category Files
 */
export type LayerFactory = (config: { readonly [key: string]: unknown }, name: string) => tf.layers.Layer;

/**
 * Finds the factory of a custom layer class, which may be registered with or without its package name, for example `mine>Blur` or `Blur`.
 */
export function findLayerFactory(
  factories: { readonly [className: string]: LayerFactory },
  className: string,
): LayerFactory | undefined {
  const bare = className.split('>').at(-1)!;
  return [className, bare]
    .map((name) => (Object.hasOwn(factories, name) ? factories[name] : undefined))
    .find(Boolean);
}

/** Creates a custom layer. Throws a `file` error if its factory returns anything other than a new layer. */
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
      'Create a new layer each time the function is called.',
    );
  stock.name = name;
  return stock;
}
