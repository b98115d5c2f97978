import { tf } from './tf.js';

type Constructor<T> = new (config: any) => T;

/**
 * The class behind a stock layer. tfjs exports factories only, so the class is taken from its registry, where
 * `tf.loadLayersModel` finds it too.
 */
export function getStockLayerClass<T extends tf.layers.Layer = tf.layers.Layer>(
  className: string,
): Constructor<T> {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!entry) throw new Error(`TensorFlow.js ${tf.version.tfjs} has no layer class ${className}`);
  return entry[0] as unknown as Constructor<T>;
}

/**
 * Has a model's layers freed when it is disposed of, also those that are called more than once. TensorFlow.js counts a
 * layer's calls and waits for as many disposals, and a model makes one. For models whose layers are no one else's.
 */
export function resetLayerRefCounts(model: tf.LayersModel): void {
  for (const layer of model.layers) (layer as unknown as { _refCount: number })._refCount = 1;
}
