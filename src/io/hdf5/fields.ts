/** Fields of one part of an HDF5 file: little-endian numbers one after the other. */
export class Fields {
  private readonly values: number[] = [];

  get length(): number {
    return this.values.length;
  }

  byte(...values: readonly number[]): this {
    this.values.push(...values);
    return this;
  }

  short(value: number): this {
    return this.byte(value & 255, value >>> 8);
  }

  int(value: number): this {
    return this.byte(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
  }

  /** Eight bytes, for a count or an address. */
  long(value: number): this {
    return this.int(value % 2 ** 32).int(Math.floor(value / 2 ** 32));
  }

  /** The address of something that is not there. */
  nowhere(): this {
    return this.int(-1).int(-1);
  }

  ascii(text: string): this {
    return this.raw(new TextEncoder().encode(text));
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.values.push(byte);
    return this;
  }

  /** Zeros up to `length` bytes, or to the next multiple of eight, at which every part of the format begins. */
  filled(length = eights(this.length)): this {
    while (this.length < length) this.values.push(0);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.values);
  }
}

/** `bytes` filled up to a multiple of eight. */
export const eights = (bytes: number) => Math.ceil(bytes / 8) * 8;

/** The bytes of a list of numbers, which are not copied. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
