import { roundUpTo8 } from './byteWriter.js';

/**
 * The parts of a file in their order. Each has its address as soon as it is placed, so that a part is placed after those that
 * it points to; what a dataset holds is kept as it is given, and copied once, into the file.
 */
export class FileAllocator {
  private readonly blocks: { readonly at: number; readonly bytes: Uint8Array }[] = [];

  /** @param length - Of what stands in front of them. */
  constructor(public length: number) {}

  /** Where `bytes` will stand; they may still be changed. */
  allocate(bytes: Uint8Array): number {
    const at = this.length;
    this.blocks.push({ at, bytes });
    this.length += roundUpTo8(bytes.length);
    return at;
  }

  toBytes(head: Uint8Array): Uint8Array {
    const file = new Uint8Array(this.length);
    file.set(head);
    for (const { at, bytes } of this.blocks) file.set(bytes, at);
    return file;
  }
}
