/** Fields of one part of an HDF5 file: little-endian numbers one after the other. */
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

  /** Eight bytes, for a count or an address. */
  uint64(value: number): this {
    return this.uint32(value % 2 ** 32).uint32(Math.floor(value / 2 ** 32));
  }

  /** The address of something that is not there. */
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

  /** Zeros up to `length` bytes, or to the next multiple of eight, at which every part of the format begins. */
  padTo(length = roundUpTo8(this.length)): this {
    while (this.length < length) this.values.push(0);
    return this;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.values);
  }
}

/** `bytes` filled up to a multiple of eight. */
export const roundUpTo8 = (bytes: number) => Math.ceil(bytes / 8) * 8;
