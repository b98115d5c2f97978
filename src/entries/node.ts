/**
 * Multi-task networks for images: composition, training, prediction and export.
 *
 * @module tfjs-multitask
 */
import { createUseEngine, type UseEngine } from '../engines/select.js';
import { createLoadKeras, type LoadKeras } from '../model/loadKeras.js';
import { createMultiTask, type MultiTask } from '../model/multiTask.js';
import { createLoadModel, type LoadModel } from '../model/multiTaskModel.js';
import { nodePlatform } from '../node/platform/nodePlatform.js';

export * from './commonExports.js';

/** @function */
export const multiTask: MultiTask = /* @__PURE__ */ createMultiTask(nodePlatform);
/** @function */
export const loadModel: LoadModel = /* @__PURE__ */ createLoadModel(nodePlatform);
/** @function */
export const loadKeras: LoadKeras = /* @__PURE__ */ createLoadKeras(nodePlatform);
/** @function */
export const useEngine: UseEngine = /* @__PURE__ */ createUseEngine(nodePlatform);
