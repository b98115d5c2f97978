import { eights } from './fields.js';
import type { Parts } from './parts.js';

/** The smallest that the C library takes a collection of texts for. */
const SMALLEST = 4096;
/** What stands in front of a collection, and of each text in it. */
const HEAD = 16;

interface Collection {
  readonly view: DataView;
  readonly address: number;
  used: number;
  texts: number;
}

/** Texts of any length, in what HDF5 calls a global heap: collections that attributes point into (III.E). */
export class TextHeap {
  private last: Collection | undefined;

  constructor(private readonly parts: Parts) {}

  /** Where `text` is kept: the address of its collection, and its number there. */
  put(text: Uint8Array): { readonly address: number; readonly number: number } {
    const needed = HEAD + eights(text.length);
    if (!this.last || this.last.used + needed > this.last.view.byteLength) {
      this.last = this.opened(Math.max(SMALLEST, HEAD + needed));
    }
    const { view, address, used } = this.last;
    const number = ++this.last.texts;
    view.setUint16(used, number, true);
    view.setUint16(used + 2, 1, true); // pointed to from one place
    view.setBigUint64(used + 8, BigInt(text.length), true);
    new Uint8Array(view.buffer).set(text, used + HEAD);
    this.last.used += needed;
    const rest = view.byteLength - this.last.used;
    // What is free is number 0; the next text takes its place.
    if (rest >= HEAD) view.setBigUint64(this.last.used + 8, BigInt(rest), true);
    return { address, number };
  }

  private opened(size: number): Collection {
    const bytes = new Uint8Array(size);
    bytes.set(new TextEncoder().encode('GCOL\x01'));
    const view = new DataView(bytes.buffer);
    view.setBigUint64(8, BigInt(size), true);
    return { view, address: this.parts.place(bytes), used: HEAD, texts: 0 };
  }
}
