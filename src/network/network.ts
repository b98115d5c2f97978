import type { ImageShape, PixelRange } from '../core/images.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import type { LayerGraph } from './layerGraph.js';

/**
 * What a network takes: images of one size, and how their bytes become numbers.
 *
 * @category Compose
 */
export interface NetworkInput {
  /** `[height, width, channels]` in pixels. */
  readonly shape: ImageShape;
  /** What the bytes 0 and 255 become. */
  readonly range: PixelRange;
}

/** A built network: a real, flat `tf.LayersModel` and what it does not know about itself. */
export interface Network<T extends Tasks = Tasks> {
  readonly layersModel: tf.LayersModel;
  /** In the order of the model's outputs. */
  readonly tasks: T;
  readonly input: NetworkInput;
  /** What a pass runs. */
  readonly graph: LayerGraph;
}

/** Names of a network's tasks, in the order of its outputs. */
export function getTaskNames<T extends Tasks>(network: Network<T>): (keyof T & string)[] {
  return Object.keys(network.tasks) as (keyof T & string)[];
}
