import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import type { NetworkInput } from './network.js';

/**
 * What {@link exportOnnx} needs of a model; every `MultiTaskModel` has it.
 *
 * @category Files
 */
export interface ExportableModel {
  /** Layers and weights. */
  readonly layersModel: tf.LayersModel;
  /** By name, in the order of the outputs. */
  readonly tasks: Tasks;
  /** Size and range of the images. */
  readonly input: NetworkInput;
}
