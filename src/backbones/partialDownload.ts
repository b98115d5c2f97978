import { concatBytes } from '../core/arrays.js';
import type { FetcherResponse, Store } from '../core/platform/platform.js';

/** The file that a partial download belongs to. */
export interface DownloadSource {
  readonly url: string;
  /** Version of the file on the server: its strong `ETag` or its `Last-Modified` date. Empty when the server sends neither. */
  readonly version: string;
  /** Number of bytes of the whole file, or undefined when the server does not report it. */
  readonly total: number | undefined;
}

/** Reads the version and the size of a file from a response. */
export function getDownloadSource(url: string, { headers }: FetcherResponse): DownloadSource {
  const tag = headers.get('etag');
  // A weak tag can mean several files and cannot be used in If-Range (RFC 9110, 13.1.5).
  const version = (tag?.startsWith('"') ? tag : headers.get('last-modified')) ?? '';
  const length = headers.get('content-length');
  // The length of a compressed response is not the length of the file.
  const isCompressed = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  return { url, version, total: length === null || isCompressed ? undefined : Number(length) };
}

/** Number of bytes that are written to the store at a time. A process that is killed loses at most that many. */
const FLUSH_BYTES = 4 * 2 ** 20;

/** An incomplete file, `NAME.part`, with its source in `NAME.part.json`. */
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

  /** Returns the bytes of an earlier download of `url`, or undefined. */
  async read(
    url: string,
  ): Promise<{ readonly bytes: Uint8Array; readonly origin: DownloadSource } | undefined> {
    const [bytes, note] = [await this.store.read(this.partName), await this.store.read(this.sourceName)];
    if (!bytes || bytes.length === 0 || !note) return undefined;
    try {
      const origin: DownloadSource = JSON.parse(new TextDecoder().decode(note));
      const fits = origin.url === url && !(bytes.length > (origin.total ?? Number.POSITIVE_INFINITY));
      return fits ? { bytes, origin } : undefined;
    } catch {
      return undefined; // The source file is incomplete, so that the bytes may belong to another file.
    }
  }

  /** Removes the partial file and starts a new one. */
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
