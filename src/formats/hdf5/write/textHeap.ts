import { roundUpTo8 } from './byteWriter.js';
import type { FileAllocator } from './fileAllocator.js';

/** Size in bytes of the smallest heap collection that HDF5's C library accepts. */
const MIN_COLLECTION_BYTES = 4096;
/** Size in bytes of the header of a heap collection, and also of the header of each text in a collection. */
const HEADER_BYTES = 16;

interface HeapCollection {
  readonly view: DataView;
  readonly address: number;
  usedBytes: number;
  textCount: number;
}

/**
 * Writer for HDF5's global heap. It stores variable-length text in collections, to which attributes refer by address and number (HDF5 file
 * format 3.0, section III.E).
 */
export class TextHeap {
  private currentCollection: HeapCollection | undefined;

  constructor(private readonly allocator: FileAllocator) {}

  /** Adds `text` to the heap. Returns the address of the collection and the number of the text in the collection. */
  add(text: Uint8Array): { readonly address: number; readonly number: number } {
    const needed = HEADER_BYTES + roundUpTo8(text.length);
    if (
      !this.currentCollection ||
      this.currentCollection.usedBytes + needed > this.currentCollection.view.byteLength
    ) {
      this.currentCollection = this.openCollection(Math.max(MIN_COLLECTION_BYTES, HEADER_BYTES + needed));
    }
    const { view, address, usedBytes } = this.currentCollection;
    const number = ++this.currentCollection.textCount;
    view.setUint16(usedBytes, number, true);
    view.setUint16(usedBytes + 2, 1, true); // reference count
    view.setBigUint64(usedBytes + 8, BigInt(text.length), true);
    new Uint8Array(view.buffer).set(text, usedBytes + HEADER_BYTES);
    this.currentCollection.usedBytes += needed;
    const rest = view.byteLength - this.currentCollection.usedBytes;
    // Object number 0 describes the free space. The next text overwrites it.
    if (rest >= HEADER_BYTES) view.setBigUint64(this.currentCollection.usedBytes + 8, BigInt(rest), true);
    return { address, number };
  }

  private openCollection(size: number): HeapCollection {
    const bytes = new Uint8Array(size);
    bytes.set(new TextEncoder().encode('GCOL\x01'));
    const view = new DataView(bytes.buffer);
    view.setBigUint64(8, BigInt(size), true);
    return { view, address: this.allocator.allocate(bytes), usedBytes: HEADER_BYTES, textCount: 0 };
  }
}
