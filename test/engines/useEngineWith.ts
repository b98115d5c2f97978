import type { PackageLoader } from '../../src/core/platform/platform.js';
import { createUseEngine } from '../../src/engines/select.js';
import { nodePlatform } from '../../src/node/platform/nodePlatform.js';

/** Returns the Node version of `useEngine` with a different loader for optional packages. */
export const useEngineWith = (loadPackage: PackageLoader) =>
  createUseEngine({ ...nodePlatform, loadPackage });
