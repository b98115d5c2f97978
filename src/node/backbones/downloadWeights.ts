import { type DownloadProgress, type FileHash, fetchFile } from '../../backbones/fetchFile.js';
import type { ProgressOutput } from '../../callbacks/progressBar.js';
import type { Fetcher, Store } from '../../core/platform/platform.js';
import { folderStore } from '../platform/folderStore.js';
import { getCacheFolder } from './cacheFolder.js';
import { downloadBar } from './downloadBar.js';

/**
 * How a file of weights is downloaded.
 *
 * @category Files
 */
export interface DownloadWeightsOptions {
  /** Keeps the file for the next time. Default a folder of this user's: `~/.cache/tfjs-multitask`, or the platform's like. */
  readonly store?: Store;
  /** Default the platform's own. */
  readonly fetch?: Fetcher;
  /** Hears how far it is. Default a line on the terminal. */
  readonly progress?: DownloadProgress;
  /** Stops it; what has come is kept. */
  readonly signal?: AbortSignal;
}

/**
 * Weights by their URL, downloaded once: the next time they come from the store.
 *
 * @param file - Where they are, what they must be, and their name in the store.
 * @param output - Where the default progress is shown.
 * @throws `download` fault when they cannot be had: it says which file to put where by hand. `aborted` fault by `signal`.
 */
export function downloadWeights(
  file: { readonly url: string; readonly name: string } & FileHash,
  options: DownloadWeightsOptions = {},
  output: ProgressOutput = process.stdout,
): Promise<Uint8Array> {
  const { url, name, ...hash } = file;
  const { store = folderStore(getCacheFolder()), fetch = globalThis.fetch, signal } = options;
  const { progress: onProgress = downloadBar(output, name) } = options;
  return fetchFile({ url, name, hash, store, fetch, onProgress, signal });
}
