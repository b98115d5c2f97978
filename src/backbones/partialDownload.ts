import { concatBytes } from '../core/arrays.js';
import type { FetcherResponse, Store } from '../core/platform/platform.js';

/** Whose bytes a part holds. */
export interface DownloadSource {
  readonly url: string;
  /** The server's mark of this version of the file; empty when it gives none that a later request can name. */
  readonly version: string;
  /** Bytes of the whole; undefined when the server does not say. */
  readonly total: number | undefined;
}

/** What an answer says of the file it begins. */
export function getDownloadSource(url: string, { headers }: FetcherResponse): DownloadSource {
  const mark = headers.get('etag');
  // A weak mark may stand for several files, and cannot be asked for (RFC 9110, 13.1.5).
  const version = (mark?.startsWith('"') ? mark : headers.get('last-modified')) ?? '';
  const length = headers.get('content-length');
  const packed = (headers.get('content-encoding') ?? 'identity') !== 'identity'; // then the length is of other bytes
  return { url, version, total: length === null || packed ? undefined : Number(length) };
}

/** Bytes put to the store at a time: of a process that is killed, as many are lost. */
const FLUSH_BYTES = 4 * 2 ** 20;

/** A file that is not all there: `NAME.part`, and beside it whose it is. */
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

  /** What came of `url` before, if anything did. */
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
      return undefined; // a note cut short: whose the part is, nobody knows
    }
  }

  /** Begins anew. */
  async start(origin: DownloadSource): Promise<void> {
    await this.remove();
    await this.store.write(this.sourceName, new TextEncoder().encode(JSON.stringify(origin)));
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.pendingBytes.push(bytes);
    if (this.pendingBytes.reduce((sum, { length }) => sum + length, 0) >= FLUSH_BYTES) await this.flush();
  }

  /** Puts to the store what waits. */
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
