import type { FetcherAnswer, Store } from '../core/outside.js';

/** Whose bytes a part holds. */
export interface Origin {
  readonly url: string;
  /** The server's mark of this version of the file; empty when it gives none that a later request can name. */
  readonly version: string;
  /** Bytes of the whole; undefined when the server does not say. */
  readonly total: number | undefined;
}

/** What an answer says of the file it begins. */
export function originOf(url: string, { headers }: FetcherAnswer): Origin {
  const mark = headers.get('etag');
  // A weak mark may stand for several files, and cannot be asked for (RFC 9110, 13.1.5).
  const version = (mark?.startsWith('"') ? mark : headers.get('last-modified')) ?? '';
  const length = headers.get('content-length');
  const packed = (headers.get('content-encoding') ?? 'identity') !== 'identity'; // then the length is of other bytes
  return { url, version, total: length === null || packed ? undefined : Number(length) };
}

/** Bytes put to the store at a time: of a process that is killed, as many are lost. */
const PORTION = 4 * 2 ** 20;

/** A file that is not all there: `NAME.part`, and beside it whose it is. */
export class PartialFile {
  private readonly part: string;
  private readonly note: string;
  private waiting: Uint8Array[] = [];

  constructor(
    private readonly store: Store,
    name: string,
  ) {
    this.part = `${name}.part`;
    this.note = `${name}.part.json`;
  }

  /** What came of `url` before, if anything did. */
  async read(url: string): Promise<{ readonly bytes: Uint8Array; readonly origin: Origin } | undefined> {
    const [bytes, note] = [await this.store.read(this.part), await this.store.read(this.note)];
    if (!bytes || bytes.length === 0 || !note) return undefined;
    try {
      const origin: Origin = JSON.parse(new TextDecoder().decode(note));
      const fits = origin.url === url && !(bytes.length > (origin.total ?? Number.POSITIVE_INFINITY));
      return fits ? { bytes, origin } : undefined;
    } catch {
      return undefined; // a note cut short: whose the part is, nobody knows
    }
  }

  /** Begins anew. */
  async begin(origin: Origin): Promise<void> {
    await this.remove();
    await this.store.write(this.note, new TextEncoder().encode(JSON.stringify(origin)));
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.waiting.push(bytes);
    if (this.waiting.reduce((sum, { length }) => sum + length, 0) >= PORTION) await this.flush();
  }

  /** Puts to the store what waits. */
  async flush(): Promise<void> {
    const bytes = joined(this.waiting);
    this.waiting = [];
    if (bytes.length > 0) await this.store.append(this.part, bytes);
  }

  async remove(): Promise<void> {
    this.waiting = [];
    await this.store.remove(this.part);
    await this.store.remove(this.note);
  }
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
