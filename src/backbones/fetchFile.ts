import { concatBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import { createError } from '../core/errors/errors.js';
import type { Fetcher, FetcherResponse, Store } from '../core/platform/platform.js';
import { md5 } from './md5.js';
import { type DownloadSource, getDownloadSource, PartialDownload } from './partialDownload.js';

/**
 * Verification of a file: a hash of its bytes in hexadecimal digits, or a function for a file whose hash is unknown.
 *
 * @category Files
 */
export type FileHash =
  | { readonly md5: string }
  | { readonly sha256: string }
  | { readonly accepts: (bytes: Uint8Array) => Promise<boolean> };

/**
 * Receives the number of downloaded bytes and the total, which is undefined when the server does not report it.
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
  /** The platform's `fetch`, or a compatible function. */
  readonly fetch: Fetcher;
  readonly onProgress?: DownloadProgress | undefined;
  /** Aborts the download. The received bytes stay in the store. */
  readonly signal?: AbortSignal | undefined;
}

/** A download, with the size of a different file that the store has under its name. */
interface DownloadRequest extends FetchFileOptions {
  readonly existingSize: number | undefined;
}

/** Running calls by store and name: two calls for one file must not write the same partial file. */
const activeDownloads = new WeakMap<Store, Map<string, Promise<unknown>>>();

/**
 * Reads a file from the store, or downloads it and saves it to the store. The hash is checked before the file gets its name and each time
 * it is read. An interrupted download stays in the store as `NAME.part`, and the next call continues it.
 *
 * @returns The bytes of the file.
 * @throws `download` error when the server does not respond, responds with an error, or sends a file with another hash. The error
 *   contains the URL and where to put the file manually; an existing file in the store stays unchanged. `aborted` error when `signal`
 *   aborts.
 */
export async function fetchFile(options: FetchFileOptions): Promise<Uint8Array> {
  const { store, name } = options;
  const calls = activeDownloads.get(store) ?? new Map<string, Promise<unknown>>();
  activeDownloads.set(store, calls);
  const previousCall = calls.get(name);
  const call = (async () => {
    await previousCall?.catch(() => {});
    const cached = await store.read(name);
    if (cached && (await matchesHash(cached, options.hash))) return cached;
    return downloadFile({ ...options, existingSize: cached?.length }, new PartialDownload(store, name), true);
  })();
  calls.set(name, call);
  try {
    return await call;
  } finally {
    if (calls.get(name) === call) calls.delete(name);
  }
}

async function matchesHash(bytes: Uint8Array, hash: FileHash): Promise<boolean> {
  if ('accepts' in hash) return hash.accepts(bytes);
  if ('md5' in hash) return md5(bytes) === hash.md5.toLowerCase();
  return (await sha256(bytes)) === hash.sha256.toLowerCase();
}

async function downloadFile(
  options: DownloadRequest,
  part: PartialDownload,
  resume: boolean,
): Promise<Uint8Array> {
  const { url, hash, name, store } = options;
  throwIfAborted(options);
  const partial = resume ? await part.read(url) : undefined;
  const whole = await receiveFile(options, part, partial);
  if (whole && (await matchesHash(whole, hash))) {
    await store.write(name, whole);
    await part.remove();
    return whole;
  }
  await part.remove();
  // The partial file was of another version, or another process wrote to it. Download the whole file again.
  if (partial) return downloadFile(options, part, false);
  const written = await store.read(name); // Another process may have finished the download.
  if (written && (await matchesHash(written, hash))) return written;
  throw createDownloadError(
    options,
    whole ? `${whole.length} bytes ${describeMismatch(hash)}` : 'a part of it',
    'It was removed; the file may have changed on the server or on the way.',
  );
}

const describeMismatch = (hash: FileHash) =>
  'accepts' in hash ? 'of something else' : `whose hash is not ${Object.entries(hash)[0]!.join(' ')}`;

/** Downloads the rest of the file and returns all bytes, or undefined when the server cannot continue the partial file. */
async function receiveFile(
  options: DownloadRequest,
  part: PartialDownload,
  partial: Awaited<ReturnType<PartialDownload['read']>>,
): Promise<Uint8Array | undefined> {
  const { url, onProgress } = options;
  if (partial && partial.bytes.length === partial.origin.total) return partial.bytes;
  const response = await requestFile(options, partial);
  if (response.status === 416 || (response.status === 206 && !isContinuation(response, partial))) {
    await response.body?.cancel();
    return undefined;
  }
  if (response.status !== 200 && response.status !== 206) {
    await response.body?.cancel();
    throw createDownloadError(options, `HTTP ${response.status}`);
  }
  // Status 200 is the whole file: the server does not support ranges, or the file has changed.
  const continued = response.status === 206 ? partial : undefined;
  const origin = continued?.origin ?? getDownloadSource(url, response);
  if (!continued) await part.start(origin);
  const chunks = continued ? [continued.bytes] : [];
  let size = continued?.bytes.length ?? 0;
  onProgress?.(size, origin.total);
  try {
    for await (const bytes of readBody(response)) {
      chunks.push(bytes);
      size += bytes.length;
      await part.append(bytes);
      onProgress?.(size, origin.total);
      throwIfAborted(options);
      if (size > (origin.total ?? Number.POSITIVE_INFINITY)) break; // The hash check rejects the file.
    }
    if (size < (origin.total ?? 0)) throw new Error('the connection ended');
  } catch (cause) {
    await part.flush();
    throwIfAborted(options);
    const received = `${size} bytes${origin.total === undefined ? '' : ` of ${origin.total}`} (${describeFailure(cause)})`;
    throw createDownloadError(
      options,
      received,
      'They are kept, and the next call goes on from there.',
      cause,
    );
  }
  return concatBytes(chunks);
}

async function requestFile(
  options: DownloadRequest,
  partial: { readonly bytes: Uint8Array; readonly origin: DownloadSource } | undefined,
): Promise<FetcherResponse> {
  const { url, fetch, signal } = options;
  const range = partial && {
    range: `bytes=${partial.bytes.length}-`,
    ...(partial.origin.version && { 'if-range': partial.origin.version }),
  };
  try {
    return await fetch(url, { headers: { ...range }, ...(signal && { signal }) });
  } catch (cause) {
    throwIfAborted(options);
    throw createDownloadError(options, `no answer (${describeFailure(cause)})`, undefined, cause);
  }
}

/** Returns whether a partial response starts where the partial file ends and belongs to the same file. */
function isContinuation(
  { headers }: FetcherResponse,
  partial: { bytes: Uint8Array; origin: DownloadSource } | undefined,
): boolean {
  const [, from, total] = headers.get('content-range')?.match(/^bytes (\d+)-\d+\/(\d+|\*)$/) ?? [];
  const expectedTotal = partial?.origin.total;
  return (
    Number(from) === partial?.bytes.length &&
    (expectedTotal === undefined || total === '*' || Number(total) === expectedTotal)
  );
}

async function* readBody({ body }: FetcherResponse): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => {}); // A broken stream cannot be canceled.
  }
}

/** Returns the reason of a failed request. The message of Node's `fetch` does not contain it; its `cause` does. */
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
  const place = `${store.label}/${name}`;
  const there =
    existingSize === undefined ? '' : `, and at ${place} ${existingSize} bytes ${describeMismatch(hash)}`;
  const way = `download ${url} by hand and put it at ${place}${there && ', in place of what is there'}.`;
  return createError({
    kind: 'download',
    path: url,
    expected: `the file ${name}`,
    received: `${received}${there}`,
    advice: `${advice ? `${advice} ` : ''}Try it again, or ${way}`,
    cause,
  });
}

function throwIfAborted({ url, name, signal }: FetchFileOptions): void {
  if (!signal?.aborted) return;
  throw createError({
    kind: 'aborted',
    path: url,
    expected: `the file ${name}`,
    received: 'a signal to stop',
    advice: 'What has come is kept: the next call goes on from there.',
    cause: signal.reason,
  });
}
