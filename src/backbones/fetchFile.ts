import { concatBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import { createError } from '../core/errors/errors.js';
import {
  type Connection,
  describeFailure,
  MAX_DOWNLOAD_BYTES,
  readBody,
  withConnection,
} from '../core/platform/download.js';
import type { Fetcher, FetcherResponse, Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import { md5 } from './md5.js';
import { type DownloadSource, getDownloadSource, PartialDownload } from './partialDownload.js';

/**
 * Validation of a downloaded file: a hexadecimal hash of its bytes or, if no hash is known, a function `accepts` that returns
 * whether the bytes are valid.
 *
 * @category Files
 */
export type FileHash =
  | { readonly md5: string }
  | { readonly sha256: string }
  | { readonly accepts: (bytes: Uint8Array) => Promise<boolean> };

/**
 * Callback for the progress of a download. The callback receives the number of bytes downloaded so far, and the size of the file in bytes.
 * The size is undefined if the server does not report it.
 *
 * @category Files
 */
export type DownloadProgress = (bytes: number, total: number | undefined) => void;

/** Options for {@link fetchFile}. */
export interface FetchFileOptions {
  readonly url: string;
  readonly hash: FileHash;
  /** Name under which the file is cached in the store. */
  readonly name: string;
  /** Store in which the file is cached. */
  readonly store: Store;
  /** The `fetch` function of the platform, or a replacement with the same interface. */
  readonly fetch: Fetcher;
  readonly onProgress?: DownloadProgress | undefined;
  /** Signal that aborts the download. The bytes that were received so far are stored, so that a later call can resume the download. */
  readonly signal?: AbortSignal | undefined;
}

/** Options for a download. `existingSize` is the size of an invalid file with the same name that is already in the store. */
interface DownloadRequest extends FetchFileOptions {
  readonly existingSize: number | undefined;
}

/**
 * Calls to {@link fetchFile} that are in progress, keyed by store and file name. A second call for the same file waits for the first,
 * because both would write to the same partial file.
 */
const activeDownloads = new WeakMap<Store, Map<string, Promise<unknown>>>();

/**
 * Returns a file from the store, and downloads it into the store first if necessary. The hash is checked whenever the file is read, and
 * before a downloaded file gets its final name. If a download is interrupted, the received bytes remain in the store as `NAME.part`, and
 * the next call resumes the download.
 *
 * @returns The bytes of the file.
 * @throws `download` error if the server does not respond, sends no byte for 60 seconds, does not return the file, or returns a file with a different hash. The error
 *   contains the URL and the path for a manual download. `aborted` error if `signal` is aborted. Neither error removes a file that was
 *   already in the store.
 */
export async function fetchFile(options: FetchFileOptions): Promise<Uint8Array> {
  const { store, name } = options;
  const callsByName = activeDownloads.get(store) ?? new Map<string, Promise<unknown>>();
  activeDownloads.set(store, callsByName);
  const previousCall = callsByName.get(name);
  const call = (async () => {
    await previousCall?.catch(() => {});
    const storedBytes = await readStoreFile(store, name);
    if (storedBytes && (await matchesHash(storedBytes, options.hash))) return storedBytes;
    return downloadFile(
      { ...options, existingSize: storedBytes?.length },
      new PartialDownload(store, name),
      true,
    );
  })();
  callsByName.set(name, call);
  try {
    return await call;
  } finally {
    if (callsByName.get(name) === call) callsByName.delete(name);
  }
}

async function matchesHash(bytes: Uint8Array, hash: FileHash): Promise<boolean> {
  if ('accepts' in hash) return hash.accepts(bytes);
  if ('md5' in hash) return md5(bytes) === hash.md5.toLowerCase();
  return (await sha256(bytes)) === hash.sha256.toLowerCase();
}

async function downloadFile(
  options: DownloadRequest,
  partialDownload: PartialDownload,
  resume: boolean,
): Promise<Uint8Array> {
  const { url, hash, name, store } = options;
  throwIfAborted(options);
  const partialFile = resume ? await partialDownload.read(url) : undefined;
  const bytes = await withConnection(options.signal, (connection) =>
    receiveFile(options, partialDownload, partialFile, connection),
  );
  if (bytes && (await matchesHash(bytes, hash))) {
    await store.write(name, bytes);
    await partialDownload.remove();
    return bytes;
  }
  await partialDownload.remove();
  // The partial file belongs to a different version of the file, or another process has appended to it. Download the whole file once more.
  if (partialFile) return downloadFile(options, partialDownload, false);
  const concurrentBytes = await readStoreFile(store, name); // from another process
  if (concurrentBytes && (await matchesHash(concurrentBytes, hash))) return concurrentBytes;
  throw createDownloadError(
    options,
    bytes ? `${bytes.length} bytes ${describeMismatch(hash)}` : 'only part of the file',
    'The downloaded file was removed. Check whether the file on the server has changed.',
  );
}

const describeMismatch = (hash: FileHash) =>
  'accepts' in hash ? 'with unexpected contents' : `whose hash is not ${Object.entries(hash)[0]!.join(' ')}`;

/**
 * Downloads the file, or the remaining bytes if a partial file is passed. Returns all bytes of the file, or undefined if the server cannot
 * resume the download.
 */
async function receiveFile(
  options: DownloadRequest,
  partialDownload: PartialDownload,
  partialFile: Awaited<ReturnType<PartialDownload['read']>>,
  connection: Connection,
): Promise<Uint8Array | undefined> {
  const { url, onProgress } = options;
  if (partialFile && partialFile.bytes.length === partialFile.origin.total) return partialFile.bytes;
  const response = await requestFile(options, partialFile, connection);
  if (response.status === 416 || (response.status === 206 && !isContinuation(response, partialFile))) {
    await response.body?.cancel();
    return undefined;
  }
  if (response.status !== 200 && response.status !== 206) {
    await response.body?.cancel();
    throw createDownloadError(options, `HTTP ${response.status}`);
  }
  // A response with status 200 contains the whole file, even after a range request: the server does not support ranges, or the file has
  // changed.
  const resumedFile = response.status === 206 ? partialFile : undefined;
  const origin = resumedFile?.origin ?? getDownloadSource(url, response);
  if (!resumedFile) await partialDownload.start(origin);
  const chunks = resumedFile ? [resumedFile.bytes] : [];
  let size = resumedFile?.bytes.length ?? 0;
  onProgress?.(size, origin.total);
  try {
    for await (const bytes of readBody(response, connection)) {
      chunks.push(bytes);
      size += bytes.length;
      await partialDownload.append(bytes);
      onProgress?.(size, origin.total);
      throwIfAborted(options);
      // The file is too large, so its hash check will fail.
      if (size > Math.min(origin.total ?? MAX_DOWNLOAD_BYTES, MAX_DOWNLOAD_BYTES)) break;
    }
    if (size < (origin.total ?? 0)) throw new Error('the connection ended');
  } catch (cause) {
    await partialDownload.flush();
    throwIfAborted(options);
    const received = `${size} bytes${origin.total === undefined ? '' : ` of ${origin.total}`} (${describeFailure(cause)})`;
    throw createDownloadError(
      options,
      received,
      'The received bytes are stored. Call the function again to resume the download.',
      cause,
    );
  }
  return concatBytes(chunks);
}

async function requestFile(
  options: DownloadRequest,
  partialFile: { readonly bytes: Uint8Array; readonly origin: DownloadSource } | undefined,
  connection: Connection,
): Promise<FetcherResponse> {
  const { url, fetch } = options;
  const range = partialFile && {
    range: `bytes=${partialFile.bytes.length}-`,
    ...(partialFile.origin.version && { 'if-range': partialFile.origin.version }),
  };
  try {
    return await connection.wait(fetch(url, { headers: { ...range }, signal: connection.signal }));
  } catch (cause) {
    throwIfAborted(options);
    throw createDownloadError(options, `no response (${describeFailure(cause)})`, undefined, cause);
  }
}

/** Returns whether a response to a range request starts at the end of the partial file and reports an unchanged file size. */
function isContinuation(
  { headers }: FetcherResponse,
  partialFile: { bytes: Uint8Array; origin: DownloadSource } | undefined,
): boolean {
  const [, from, total] = headers.get('content-range')?.match(/^bytes (\d+)-\d+\/(\d+|\*)$/) ?? [];
  const knownTotal = partialFile?.origin.total;
  return (
    Number(from) === partialFile?.bytes.length &&
    (knownTotal === undefined || total === '*' || Number(total) === knownTotal)
  );
}

function createDownloadError(
  { url, name, store, hash, existingSize }: DownloadRequest,
  received: string,
  advice?: string,
  cause?: unknown,
): Error {
  const storePath = `${store.label}/${name}`;
  const invalidFile =
    existingSize === undefined
      ? ''
      : `, and an invalid file ${storePath} of ${existingSize} bytes ${describeMismatch(hash)}`;
  const manualAdvice = `download ${url} manually and save it as ${storePath}${invalidFile && ', replacing the existing file'}.`;
  return createError({
    kind: 'download',
    path: url,
    expected: `the file ${name}`,
    received: `${received}${invalidFile}`,
    advice: `${advice ? `${advice} ` : ''}Try again, or ${manualAdvice}`,
    cause,
  });
}

function throwIfAborted({ url, signal }: FetchFileOptions): void {
  if (!signal?.aborted) return;
  throw createError({
    kind: 'aborted',
    path: url,
    expected: 'a signal that is not aborted',
    received: 'an aborted signal',
    advice: 'The received bytes are stored. Call the function again to resume the download.',
    cause: signal.reason,
  });
}
