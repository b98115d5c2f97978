import { tf } from './tf.js';

type Constructor<T> = new (config: any) => T;

/**
 * The class behind a stock layer. tfjs exports factories only, so the class is taken from its registry, where
 * `tf.loadLayersModel` finds it too.
 */
export function stockLayer<T extends tf.layers.Layer = tf.layers.Layer>(className: string): Constructor<T> {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!entry) throw new Error(`TensorFlow.js ${tf.version.tfjs} has no layer class ${className}`);
  return entry[0] as unknown as Constructor<T>;
}
