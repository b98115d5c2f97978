/** The settings of ONNX Runtime for pages, `ort.env.wasm`. */
export interface PageSettings {
  numThreads?: number;
  initTimeout?: number;
  readonly wasmPaths?: unknown;
}

/**
 * Time in milliseconds within which ONNX Runtime must start in a page. This time includes the download of a `.wasm` file of up to 28 MB.
 */
const START_TIMEOUT_MS = 300_000;

/** Settings that {@link limitPageThreads} has limited to one thread. */
const limitedSettings = new WeakSet<PageSettings>();

/**
 * Prevents ONNX Runtime from waiting forever in a page. Settings that the page has already assigned are not changed.
 *
 * - The start has a time limit of 5 minutes. Afterwards, ONNX Runtime throws an error.
 * - In a page that can share memory, ONNX Runtime uses one thread unless `wasmPaths` is set. Without `wasmPaths`, ONNX Runtime starts its
 *   threads from the script that contains it. In a bundled page, this is the script of the page, which never responds when it is started as
 *   a thread.
 *
 * @returns Whether ONNX Runtime uses one thread because `wasmPaths` is not set.
 */
export function limitPageThreads(settings: PageSettings): boolean {
  settings.initTimeout ||= START_TIMEOUT_MS;
  if (globalThis.crossOriginIsolated && settings.wasmPaths === undefined && !settings.numThreads) {
    settings.numThreads = 1;
    limitedSettings.add(settings);
  }
  return limitedSettings.has(settings);
}
