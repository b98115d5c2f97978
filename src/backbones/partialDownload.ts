import { concatBytes } from '../core/arrays.js';
import type { FetcherResponse, Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';

/** Source of the bytes of an incomplete download: the URL, and the version and size of the file on the server. */
export interface DownloadSource {
  readonly url: string;
  /**
   * Version of the file on the server (its strong ETag or its modification date), for conditional range requests. Empty if the server sends
   * neither of them.
   */
  readonly version: string;
  /** Size of the whole file in bytes. Undefined if the server does not report it. */
  readonly total: number | undefined;
}

/** Reads the version and size of a file from the headers of a response. */
export function getDownloadSource(url: string, { headers }: FetcherResponse): DownloadSource {
  const etag = headers.get('etag');
  // A weak ETag can match different versions of a file, and is not allowed in a range request (RFC 9110, section 13.1.5).
  const version = (etag?.startsWith('"') ? etag : headers.get('last-modified')) ?? '';
  const length = headers.get('content-length');
  // The length of a compressed response is not the size of the file.
  const isCompressed = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  return { url, version, total: length === null || isCompressed ? undefined : Number(length) };
}

/** Number of bytes to receive before they are written to the store. A process that is killed loses at most this many bytes. */
const FLUSH_BYTES = 4 * 2 ** 20;

/** An incomplete download in a store. The received bytes are in `NAME.part`, and their URL and version are in `NAME.part.json`. */
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

  /** Returns the bytes that were received from `url` earlier. Returns undefined if there are no such bytes. */
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
      return undefined; // NAME.part.json is truncated, so it is unknown where the bytes come from.
    }
  }

  /** Removes the bytes of an earlier download, and records the source of the new download. */
  async start(origin: DownloadSource): Promise<void> {
    await this.remove();
    await this.store.write(this.sourceName, new TextEncoder().encode(JSON.stringify(origin)));
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.pendingBytes.push(bytes);
    if (this.pendingBytes.reduce((sum, { length }) => sum + length, 0) >= FLUSH_BYTES) await this.flush();
  }

  /** Writes all received bytes that are not yet in the store. */
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
