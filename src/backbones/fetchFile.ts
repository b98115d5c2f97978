import { concatBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import { createError } from '../core/errors/errors.js';
import type { Fetcher, FetcherResponse, Store } from '../core/platform/platform.js';
import { md5 } from './md5.js';
import { type DownloadSource, getDownloadSource, PartialDownload } from './partialDownload.js';

/**
 * What a file must be: a hash of its bytes, in hexadecimal digits; or where none is known, what `accepts` says of them.
 *
 * @category Files
 */
export type FileHash =
  | { readonly md5: string }
  | { readonly sha256: string }
  | { readonly accepts: (bytes: Uint8Array) => Promise<boolean> };

/**
 * Hears how many bytes of a download are there, of how many; undefined where the server does not say.
 *
 * @category Files
 */
export type DownloadProgress = (bytes: number, total: number | undefined) => void;

/** What {@link fetchFile} fetches, and with what. */
export interface FetchFileOptions {
  readonly url: string;
  readonly hash: FileHash;
  /** The file's name in the store. */
  readonly name: string;
  /** Keeps it for the next time. */
  readonly store: Store;
  /** The platform's `fetch`, or one like it. */
  readonly fetch: Fetcher;
  readonly onProgress?: DownloadProgress | undefined;
  /** Stops the download; what has come is kept. */
  readonly signal?: AbortSignal | undefined;
}

/** A download, and the bytes of another file that stands in its place in the store. */
interface DownloadRequest extends FetchFileOptions {
  readonly existingSize: number | undefined;
}

/** Calls under way, by store and name: two of one file would write into one another's part. */
const activeDownloads = new WeakMap<Store, Map<string, Promise<unknown>>>();

/**
 * A file from the store, or from a server and then into the store. Its hash is checked before it gets its name, and each time
 * it is read. What came of a download that broke stays as `NAME.part`, and the next call goes on from there.
 *
 * @returns The file's bytes.
 * @throws `download` fault without an answer, with another answer than the file, or with a file of another hash: it names
 *   the URL and where to put the file by hand; what stood in the store before is left. `aborted` fault when `signal` says so.
 */
export async function fetchFile(options: FetchFileOptions): Promise<Uint8Array> {
  const { store, name } = options;
  const calls = activeDownloads.get(store) ?? new Map<string, Promise<unknown>>();
  activeDownloads.set(store, calls);
  const before = calls.get(name);
  const call = (async () => {
    await before?.catch(() => {});
    const there = await store.read(name);
    if (there && (await matchesHash(there, options.hash))) return there;
    return downloadFile({ ...options, existingSize: there?.length }, new PartialDownload(store, name), true);
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
  const had = resume ? await part.read(url) : undefined;
  const whole = await receiveFile(options, part, had);
  if (whole && (await matchesHash(whole, hash))) {
    await store.write(name, whole);
    await part.remove();
    return whole;
  }
  await part.remove();
  // The part was of another version, or another process added to it: once more, from the beginning.
  if (had) return downloadFile(options, part, false);
  const late = await store.read(name); // from another process
  if (late && (await matchesHash(late, hash))) return late;
  throw createDownloadError(
    options,
    whole ? `${whole.length} bytes ${describeMismatch(hash)}` : 'a part of it',
    'It was removed; the file may have changed on the server or on the way.',
  );
}

const describeMismatch = (hash: FileHash) =>
  'accepts' in hash ? 'of something else' : `whose hash is not ${Object.entries(hash)[0]!.join(' ')}`;

/** The bytes of the whole file, or undefined when the server does not go on from what is there. */
async function receiveFile(
  options: DownloadRequest,
  part: PartialDownload,
  had: Awaited<ReturnType<PartialDownload['read']>>,
): Promise<Uint8Array | undefined> {
  const { url, onProgress } = options;
  if (had && had.bytes.length === had.origin.total) return had.bytes;
  const answer = await requestFile(options, had);
  if (answer.status === 416 || (answer.status === 206 && !isContinuation(answer, had))) {
    await answer.body?.cancel();
    return undefined;
  }
  if (answer.status !== 200 && answer.status !== 206) {
    await answer.body?.cancel();
    throw createDownloadError(options, `HTTP ${answer.status}`);
  }
  // 200 is the whole file, whether it was asked for or not: the server knows no ranges, or the file has changed.
  const goingOn = answer.status === 206 ? had : undefined;
  const origin = goingOn?.origin ?? getDownloadSource(url, answer);
  if (!goingOn) await part.start(origin);
  const pieces = goingOn ? [goingOn.bytes] : [];
  let size = goingOn?.bytes.length ?? 0;
  onProgress?.(size, origin.total);
  try {
    for await (const bytes of readBody(answer)) {
      pieces.push(bytes);
      size += bytes.length;
      await part.append(bytes);
      onProgress?.(size, origin.total);
      throwIfAborted(options);
      if (size > (origin.total ?? Number.POSITIVE_INFINITY)) break; // the hash will say so
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
  return concatBytes(pieces);
}

async function requestFile(
  options: DownloadRequest,
  had: { readonly bytes: Uint8Array; readonly origin: DownloadSource } | undefined,
): Promise<FetcherResponse> {
  const { url, fetch, signal } = options;
  const range = had && {
    range: `bytes=${had.bytes.length}-`,
    ...(had.origin.version && { 'if-range': had.origin.version }),
  };
  try {
    return await fetch(url, { headers: { ...range }, ...(signal && { signal }) });
  } catch (cause) {
    throwIfAborted(options);
    throw createDownloadError(options, `no answer (${describeFailure(cause)})`, undefined, cause);
  }
}

/** Whether an answer with a part begins where ours ends, and is of the same file. */
function isContinuation(
  { headers }: FetcherResponse,
  had: { bytes: Uint8Array; origin: DownloadSource } | undefined,
): boolean {
  const [, from, total] = headers.get('content-range')?.match(/^bytes (\d+)-\d+\/(\d+|\*)$/) ?? [];
  const known = had?.origin.total;
  return (
    Number(from) === had?.bytes.length && (known === undefined || total === '*' || Number(total) === known)
  );
}

async function* readBody({ body }: FetcherResponse): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => {}); // of no use to one that has broken
  }
}

/** Node's fetch says only that it failed, and keeps why to itself. */
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
