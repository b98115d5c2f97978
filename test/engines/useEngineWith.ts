import type { PackageLoader } from '../../src/core/platform/platform.js';
import { createUseEngine } from '../../src/engines/select.js';
import { nodePlatform } from '../../src/node/platform/nodePlatform.js';

/** Returns the `useEngine` of Node with another loader of optional packages. */
export const useEngineWith = (loadPackage: PackageLoader) =>
  createUseEngine({ ...nodePlatform, loadPackage });
