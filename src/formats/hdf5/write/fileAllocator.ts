import { roundUpTo8 } from './byteWriter.js';

/**
 * Allocator for the blocks of an HDF5 file, in file order. A block gets its address when it is allocated, so a block must be allocated
 * before all blocks that point to it. The bytes of a dataset are not copied until {@link toBytes} assembles the file.
 */
export class FileAllocator {
  private readonly blocks: { readonly at: number; readonly bytes: Uint8Array }[] = [];

  /** @param length - Size in bytes of the superblock, which precedes all blocks. */
  constructor(public length: number) {}

  /**
   * Allocates a block for `bytes` and returns its address. The bytes may be changed until {@link toBytes} is
   * called.
   */
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
