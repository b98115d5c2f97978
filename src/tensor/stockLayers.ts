import { tf } from './tf.js';

type Constructor<T> = new (config: any) => T;

/**
 * Returns the class of a TensorFlow.js layer. TensorFlow.js exports only functions that create layers, so the class is looked up in the
 * serialization registry, which `tf.loadLayersModel` also uses.
 */
export function getStockLayerClass<T extends tf.layers.Layer = tf.layers.Layer>(
  className: string,
): Constructor<T> {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!entry)
    throw new Error(`TensorFlow.js ${tf.version_layers} does not have the layer class ${className}`);
  return entry[0] as unknown as Constructor<T>;
}

/**
 * Makes `model.dispose()` dispose of all layers of the model, including layers that are called more than once. TensorFlow.js counts the
 * calls of a layer and frees the layer only after the same number of `dispose()` calls, but a model disposes of each layer only once. Call
 * this function only if no other model shares the layers.
 */
export function resetLayerRefCounts(model: tf.LayersModel): void {
  for (const layer of model.layers) (layer as unknown as { _refCount: number })._refCount = 1;
}
