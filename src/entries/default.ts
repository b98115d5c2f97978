/** Entry point of the package for all other JavaScript runtimes. It has the same exports as the entry point for Node. */
import { defaultPlatform } from '../core/platform/defaultPlatform.js';
import { createUseEngine, type UseEngine } from '../engines/select.js';
import { createLoadKeras, type LoadKeras } from '../model/loadKeras.js';
import { createMultiTask, type MultiTask } from '../model/multiTask.js';
import { createLoadModel, type LoadModel } from '../model/multiTaskModel.js';

export * from './commonExports.js';

export const multiTask: MultiTask = /* @__PURE__ */ createMultiTask(defaultPlatform);
export const loadModel: LoadModel = /* @__PURE__ */ createLoadModel(defaultPlatform);
export const loadKeras: LoadKeras = /* @__PURE__ */ createLoadKeras(defaultPlatform);
export const useEngine: UseEngine = /* @__PURE__ */ createUseEngine(defaultPlatform);
