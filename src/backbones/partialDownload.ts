import { concatBytes } from '../core/arrays.js';
import type { FetcherResponse, Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';

/** Origin of a partial file. */
export interface DownloadSource {
  readonly url: string;
  /**
   * Validator of this version of the file (ETag or date). Empty if the server sends no validator that a range request can use.
   */
  readonly version: string;
  /** Size of the whole file in bytes; undefined if the server does not report it. */
  readonly total: number | undefined;
}

/** Returns the origin of a response from its headers. */
export function getDownloadSource(url: string, { headers }: FetcherResponse): DownloadSource {
  const etag = headers.get('etag');
  // A weak ETag can match several files and is not allowed in a range request (RFC 9110, 13.1.5).
  const version = (etag?.startsWith('"') ? etag : headers.get('last-modified')) ?? '';
  const length = headers.get('content-length');
  // The length is the number of compressed bytes.
  const isCompressed = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  return { url, version, total: length === null || isCompressed ? undefined : Number(length) };
}

/** Number of bytes that are written to the store at a time, which is also the most that a killed process loses. */
const FLUSH_BYTES = 4 * 2 ** 20;

/** Incomplete download: the received bytes in `NAME.part`, and their origin in `NAME.part.json`. */
export class PartialDownload {
  private readonly partName: string;
  private readonly sourceName: string;
  private pendingBytes: Uint8Array[] = [];

  constructor(
    private readonly store: Store,
    name: string,
  ) {
    this.partName = `${name}.part`;
    this.sourceName = `${name}.part.json`;
  }

  /** Reads the partial file of `url`. Returns undefined if there is none. */
  async read(
    url: string,
  ): Promise<{ readonly bytes: Uint8Array; readonly origin: DownloadSource } | undefined> {
    const [bytes, sourceBytes] = [
      await readStoreFile(this.store, this.partName),
      await readStoreFile(this.store, this.sourceName),
    ];
    if (!bytes || bytes.length === 0 || !sourceBytes) return undefined;
    try {
      const origin: DownloadSource = JSON.parse(new TextDecoder().decode(sourceBytes));
      const isSameSource = origin.url === url && !(bytes.length > (origin.total ?? Number.POSITIVE_INFINITY));
      return isSameSource ? { bytes, origin } : undefined;
    } catch {
      return undefined; // NAME.part.json is truncated, so the origin of the partial file is unknown.
    }
  }

  /** Starts a new partial file. */
  async start(origin: DownloadSource): Promise<void> {
    await this.remove();
    await this.store.write(this.sourceName, new TextEncoder().encode(JSON.stringify(origin)));
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.pendingBytes.push(bytes);
    if (this.pendingBytes.reduce((sum, { length }) => sum + length, 0) >= FLUSH_BYTES) await this.flush();
  }

  /** Writes the pending bytes to the store. */
  async flush(): Promise<void> {
    const bytes = concatBytes(this.pendingBytes);
    this.pendingBytes = [];
    if (bytes.length > 0) await this.store.append(this.partName, bytes);
  }

  async remove(): Promise<void> {
    this.pendingBytes = [];
    await this.store.remove(this.partName);
    await this.store.remove(this.sourceName);
  }
}
