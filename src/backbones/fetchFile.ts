import { concatBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import { createError } from '../core/errors/errors.js';
import type { Fetcher, FetcherResponse, Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import { md5 } from './md5.js';
import { type DownloadSource, getDownloadSource, PartialDownload } from './partialDownload.js';

/**
 * Condition for a valid file: a hexadecimal hash of its bytes, or, if no hash is known, a function `accepts` that checks the bytes.
 *
 * @category Files
 */
export type FileHash =
  | { readonly md5: string }
  | { readonly sha256: string }
  | { readonly accepts: (bytes: Uint8Array) => Promise<boolean> };

/**
 * Callback that receives the number of bytes downloaded so far and the total number. The total is undefined if the server does not report
 * it.
 *
 * @category Files
 */
export type DownloadProgress = (bytes: number, total: number | undefined) => void;

/** Options of {@link fetchFile}. */
export interface FetchFileOptions {
  readonly url: string;
  readonly hash: FileHash;
  /** Name of the file in the store. */
  readonly name: string;
  /** Store that caches the file. */
  readonly store: Store;
  /** The platform's `fetch`, or a replacement. */
  readonly fetch: Fetcher;
  readonly onProgress?: DownloadProgress | undefined;
  /** Signal that stops the download. The bytes received so far are stored. */
  readonly signal?: AbortSignal | undefined;
}

/** Download options, and the size of an existing file in the store that has the same name but is invalid. */
interface DownloadRequest extends FetchFileOptions {
  readonly existingSize: number | undefined;
}

/**
 * Calls in progress, keyed by store and file name. Without it, two downloads of the same file would write to the same partial file.
 */
const activeDownloads = new WeakMap<Store, Map<string, Promise<unknown>>>();

/**
 * Returns a file from the store, or downloads the file into the store first. The hash is checked each time the file is read, and before a
 * downloaded file gets its final name. An interrupted download stays in the store as `NAME.part`, and the next call resumes it.
 *
 * @returns The bytes of the file.
 * @throws A `download` error if the server does not respond or responds with anything but the file, or if the hash does not match. The
 *   error contains the URL and the path for a manual download. A file that was already in the store is not removed. An `aborted` error if
 *   `signal` is aborted.
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
  const bytes = await receiveFile(options, partialDownload, partialFile);
  if (bytes && (await matchesHash(bytes, hash))) {
    await store.write(name, bytes);
    await partialDownload.remove();
    return bytes;
  }
  await partialDownload.remove();
  // The partial file belongs to a different version, or another process appended to it. Start once more from the beginning.
  if (partialFile) return downloadFile(options, partialDownload, false);
  const concurrentBytes = await readStoreFile(store, name); // from another process
  if (concurrentBytes && (await matchesHash(concurrentBytes, hash))) return concurrentBytes;
  throw createDownloadError(
    options,
    bytes ? `${bytes.length} bytes ${describeMismatch(hash)}` : 'only a part of the file',
    'Check whether the file has changed on the server; the downloaded bytes were removed.',
  );
}

const describeMismatch = (hash: FileHash) =>
  'accepts' in hash ? 'with unexpected contents' : `whose hash is not ${Object.entries(hash)[0]!.join(' ')}`;

/**
 * Receives the rest of the file. Returns all its bytes, or undefined if the server cannot resume the partial
 * file.
 */
async function receiveFile(
  options: DownloadRequest,
  partialDownload: PartialDownload,
  partialFile: Awaited<ReturnType<PartialDownload['read']>>,
): Promise<Uint8Array | undefined> {
  const { url, onProgress } = options;
  if (partialFile && partialFile.bytes.length === partialFile.origin.total) return partialFile.bytes;
  const response = await requestFile(options, partialFile);
  if (response.status === 416 || (response.status === 206 && !isContinuation(response, partialFile))) {
    await response.body?.cancel();
    return undefined;
  }
  if (response.status !== 200 && response.status !== 206) {
    await response.body?.cancel();
    throw createDownloadError(options, `HTTP ${response.status}`);
  }
  // Status 200 means the whole file, even after a range request: the server does not support ranges, or the
  // file changed.
  const resumedFile = response.status === 206 ? partialFile : undefined;
  const origin = resumedFile?.origin ?? getDownloadSource(url, response);
  if (!resumedFile) await partialDownload.start(origin);
  const chunks = resumedFile ? [resumedFile.bytes] : [];
  let size = resumedFile?.bytes.length ?? 0;
  onProgress?.(size, origin.total);
  try {
    for await (const bytes of readBody(response)) {
      chunks.push(bytes);
      size += bytes.length;
      await partialDownload.append(bytes);
      onProgress?.(size, origin.total);
      throwIfAborted(options);
      if (size > (origin.total ?? Number.POSITIVE_INFINITY)) break; // The hash check fails later.
    }
    if (size < (origin.total ?? 0)) throw new Error('the connection ended');
  } catch (cause) {
    await partialDownload.flush();
    throwIfAborted(options);
    const received = `${size} bytes${origin.total === undefined ? '' : ` of ${origin.total}`} (${describeFailure(cause)})`;
    throw createDownloadError(
      options,
      received,
      'Call again to resume the download: the received bytes are stored.',
      cause,
    );
  }
  return concatBytes(chunks);
}

async function requestFile(
  options: DownloadRequest,
  partialFile: { readonly bytes: Uint8Array; readonly origin: DownloadSource } | undefined,
): Promise<FetcherResponse> {
  const { url, fetch, signal } = options;
  const range = partialFile && {
    range: `bytes=${partialFile.bytes.length}-`,
    ...(partialFile.origin.version && { 'if-range': partialFile.origin.version }),
  };
  try {
    return await fetch(url, { headers: { ...range }, ...(signal && { signal }) });
  } catch (cause) {
    throwIfAborted(options);
    throw createDownloadError(options, `no answer (${describeFailure(cause)})`, undefined, cause);
  }
}

/** Returns whether a partial response starts where the partial file ends, and belongs to the same version of the file. */
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

async function* readBody({ body }: FetcherResponse): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => {}); // Canceling a broken stream fails, which does not matter.
  }
}

/** Describes a failed request. In Node, the message of a fetch error does not contain the reason, which is in `cause`. */
function describeFailure(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: inner } = (cause ?? {}) as { readonly code?: string; readonly message?: string };
  return code ?? inner ?? message;
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
      : `, and a stored file ${storePath} of ${existingSize} bytes ${describeMismatch(hash)}`;
  const manualAdvice = `download ${url} by hand and put it at ${storePath}${invalidFile && ', replacing the stored file'}.`;
  return createError({
    kind: 'download',
    path: url,
    expected: `the file ${name}`,
    received: `${received}${invalidFile}`,
    advice: `${advice ? `${advice} ` : ''}Try again, or ${manualAdvice}`,
    cause,
  });
}

function throwIfAborted({ url, name, signal }: FetchFileOptions): void {
  if (!signal?.aborted) return;
  throw createError({
    kind: 'aborted',
    path: url,
    expected: `the file ${name}`,
    received: 'an aborted signal',
    advice: 'Call again to resume the download: the received bytes are stored.',
    cause: signal.reason,
  });
}
