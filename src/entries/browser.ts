/** Entry point of the package for web pages. It has the same exports as the entry point for Node. */
import { browserPlatform } from '../browser/browserPlatform.js';
import { createUseEngine, type UseEngine } from '../engines/select.js';
import { createLoadKeras, type LoadKeras } from '../model/loadKeras.js';
import { createMultiTask, type MultiTask } from '../model/multiTask.js';
import { createLoadModel, type LoadModel } from '../model/multiTaskModel.js';

export * from './commonExports.js';

export const multiTask: MultiTask = /* @__PURE__ */ createMultiTask(browserPlatform);
export const loadModel: LoadModel = /* @__PURE__ */ createLoadModel(browserPlatform);
export const loadKeras: LoadKeras = /* @__PURE__ */ createLoadKeras(browserPlatform);
export const useEngine: UseEngine = /* @__PURE__ */ createUseEngine(browserPlatform);
