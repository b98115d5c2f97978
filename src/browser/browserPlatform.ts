import { defaultPlatform } from '../core/platform/defaultPlatform.js';
import type { PackageLoader, Platform } from '../core/platform/platform.js';
import { canvasDecoder } from './canvasDecoder.js';
import { fetchFileBytes } from './fetchFileBytes.js';

const loadPackage: PackageLoader = /* @__PURE__ */ Object.assign(
  <M>(name: string, neededFor: string) => defaultPlatform.loadPackage<M>(name, neededFor),
  { threads: /* @__PURE__ */ getThreadCount() },
);

/** A page or a web worker: threads, files by URL, and the page's own decoder. Packages are registered with `useEngine`. */
export const browserPlatform: Platform = {
  name: 'browser',
  loadPackage,
  loadDecoder: async () => canvasDecoder(),
  readFile: fetchFileBytes,
};

/** Returns 1 where a server renders a page and there is no navigator. */
function getThreadCount(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}
