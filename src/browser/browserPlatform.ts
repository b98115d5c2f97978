import { defaultPlatform } from '../core/platform/defaultPlatform.js';
import { fetchFileBytes } from '../core/platform/fetchFileBytes.js';
import type { PackageLoader, Platform } from '../core/platform/platform.js';
import { canvasDecoder } from './canvasDecoder.js';

const loadPackage: PackageLoader = /* @__PURE__ */ Object.assign(
  <M>(name: string, neededFor: string) => defaultPlatform.loadPackage<M>(name, neededFor),
  { threads: /* @__PURE__ */ getThreadCount() },
);

/** Platform of a page or a web worker: threads, files by URL, and the canvas decoder. Packages are registered with `useEngine`. */
export const browserPlatform: Platform = {
  name: 'browser',
  loadPackage,
  loadDecoder: async () => canvasDecoder(),
  readFile: fetchFileBytes,
};

/** Returns the number of threads of the machine, or 1 when a server renders the page and there is no navigator. */
function getThreadCount(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}
