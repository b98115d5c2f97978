/** Writer for one block of an HDF5 file, a sequence of little-endian fields. */
export class ByteWriter {
  private readonly values: number[] = [];

  get length(): number {
    return this.values.length;
  }

  uint8(...values: readonly number[]): this {
    this.values.push(...values);
    return this;
  }

  uint16(value: number): this {
    return this.uint8(value & 255, value >>> 8);
  }

  uint32(value: number): this {
    return this.uint8(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
  }

  /** Writes an unsigned 8-byte integer, such as a count or an address. */
  uint64(value: number): this {
    return this.uint32(value % 2 ** 32).uint32(Math.floor(value / 2 ** 32));
  }

  /** Writes HDF5's undefined address, for an object that does not exist. */
  undefinedAddress(): this {
    return this.uint32(-1).uint32(-1);
  }

  ascii(text: string): this {
    return this.bytes(new TextEncoder().encode(text));
  }

  bytes(bytes: Uint8Array): this {
    for (const byte of bytes) this.values.push(byte);
    return this;
  }

  /**
   * Pads the block with zeros to `length` bytes. The default length is the next multiple of eight, because HDF5 structures start at
   * multiples of eight.
   */
  padTo(length = roundUpTo8(this.length)): this {
    while (this.length < length) this.values.push(0);
    return this;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.values);
  }
}

/** Rounds `bytes` up to a multiple of eight. */
export const roundUpTo8 = (bytes: number) => Math.ceil(bytes / 8) * 8;
