import { defaultPlatform } from '../core/platform/defaultPlatform.js';
import type { Platform } from '../core/platform/platform.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { createNetwork } from './buildNetwork.js';
import type { Network, NetworkInput } from './network.js';

/**
 * The properties of a `MultiTaskModel` that the export functions and Grad-CAM need.
 *
 * @category Files
 */
export interface ExportableModel<T extends Tasks = Tasks> {
  /** The TensorFlow.js model, with its layers and weights. */
  readonly layersModel: tf.LayersModel;
  /** Tasks by name, in the order of the outputs. */
  readonly tasks: T;
  /** Shape of the images, and the range to which their pixel values are scaled. */
  readonly input: NetworkInput;
  /** @internal */
  readonly '~network'?: Network<T>;
  /** @internal */
  readonly '~platform'?: Platform;
}

/**
 * Returns the network of a `MultiTaskModel`, or creates a network for any other object that has the same public properties. Only the
 * network of a `MultiTaskModel` returns the current weights while the model is being trained.
 */
export const getNetwork = <T extends Tasks>(model: ExportableModel<T>): Network<T> =>
  model['~network'] ?? createNetwork(model.layersModel, model.tasks, model.input);

/** Returns the platform of a `MultiTaskModel`. For other objects, returns the default platform, which cannot import optional packages. */
export const getPlatform = (model: ExportableModel): Platform => model['~platform'] ?? defaultPlatform;
