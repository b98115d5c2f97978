import { type DownloadProgress, type FileHash, fetchFile } from '../../backbones/fetchFile.js';
import type { ProgressOutput } from '../../callbacks/progressBar.js';
import type { Fetcher, Store } from '../../core/platform/platform.js';
import { folderStore } from '../platform/folderStore.js';
import { getCacheFolder } from './cacheFolder.js';
import { downloadBar } from './downloadBar.js';

/**
 * Options for {@link downloadWeights}.
 *
 * @category Files
 */
export interface DownloadWeightsOptions {
  /** Store in which the file is cached. Default: the user's cache folder, for example `~/.cache/tfjs-multitask` on Linux. */
  readonly store?: Store;
  /** Function that sends HTTP requests. Default: the platform's `fetch`. */
  readonly fetch?: Fetcher;
  /** Callback that receives the progress. Default: prints a progress line on the terminal. */
  readonly progress?: DownloadProgress;
  /** Signal that stops the download. The bytes received so far are kept, so that the download can be resumed. */
  readonly signal?: AbortSignal;
}

/**
 * Downloads a weights file, or reads it from the store if it is already downloaded.
 *
 * @param file - URL and hash of the file, and its name in the store.
 * @param output - Stream that the default progress line is printed to.
 * @throws A `download` error if the file cannot be downloaded; the error contains the URL, and the path for a manual download. An `aborted`
 *   error if `signal` is aborted.
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
