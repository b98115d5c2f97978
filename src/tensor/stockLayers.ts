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
  for (const layer of model.layers) setRefCount(layer, 1);
}

/** Layers that failed attempts to build a network have called, and that no model uses. */
const unusedLayers = new WeakSet<tf.layers.Layer>();

/** Returns the number of models that use a layer. */
export const countUses = (layer: tf.layers.Layer): number =>
  unusedLayers.has(layer) ? 0 : ((layer as unknown as { readonly _refCount: number | null })._refCount ?? 0);

/**
 * Sets the number of models that use a layer. The weights are freed when as many models are disposed of; if no model uses the layer, they
 * are freed by `layer.dispose()`.
 */
export function setUses(layer: tf.layers.Layer, count: number): void {
  if (count === 0) unusedLayers.add(layer);
  else unusedLayers.delete(layer);
  setRefCount(layer, Math.max(count, 1));
}

function setRefCount(layer: tf.layers.Layer, count: number): void {
  (layer as unknown as { _refCount: number | null })._refCount = count;
}
