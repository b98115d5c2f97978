import { defaultPlatform } from '../core/platform/defaultPlatform.js';
import { fetchFileBytes } from '../core/platform/fetchFileBytes.js';
import type { PackageLoader, Platform } from '../core/platform/platform.js';
import { canvasDecoder } from './canvasDecoder.js';

const loadPackage: PackageLoader = /* @__PURE__ */ Object.assign(
  <M>(name: string, neededFor: string) => defaultPlatform.loadPackage<M>(name, neededFor),
  { threads: /* @__PURE__ */ getThreadCount() },
);

/**
 * Implementation of the platform functions for web pages and web workers. It fetches files by URL and decodes images with a canvas.
 * Optional packages must be registered with `useEngine`.
 */
export const browserPlatform: Platform = {
  name: 'browser',
  loadPackage,
  loadDecoder: async () => canvasDecoder(),
  readFile: fetchFileBytes,
};

/**
 * Returns the number of hardware threads of the machine, or 1 if `navigator` does not exist, for example when a server renders the
 * page.
 */
function getThreadCount(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}
