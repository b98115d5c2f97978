import { defaultPlatform } from '../core/platform/defaultPlatform.js';
import type { Platform } from '../core/platform/platform.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { createNetwork } from './buildNetwork.js';
import type { Network, NetworkInput } from './network.js';

/**
 * The properties of a `MultiTaskModel` that exports and Grad-CAM use.
 *
 * @category Files
 */
export interface ExportableModel<T extends Tasks = Tasks> {
  /** Layers and weights. */
  readonly layersModel: tf.LayersModel;
  /** Tasks by name, in the order of the outputs. */
  readonly tasks: T;
  /** Size and range of the images. */
  readonly input: NetworkInput;
  /** @internal */
  readonly '~network'?: Network<T>;
  /** @internal */
  readonly '~platform'?: Platform;
}

/** Returns the network of a model, whose weights are up to date during a run, or creates a network for an object without one. */
export const getNetwork = <T extends Tasks>(model: ExportableModel<T>): Network<T> =>
  model['~network'] ?? createNetwork(model.layersModel, model.tasks, model.input);

/** Returns the platform of a model, or the default platform, which has no optional packages, for an object without one. */
export const getPlatform = (model: ExportableModel): Platform => model['~platform'] ?? defaultPlatform;
