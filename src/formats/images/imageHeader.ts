/** File format of an image, which its first bytes determine. */
export type ImageFileFormat = 'jpeg' | 'png' | 'gif' | 'webp' | 'tiff' | 'avif';

/** Properties of an image file that determine how much memory its first image takes. They are read without decoding it. */
export interface ImageHeader {
  readonly format: ImageFileFormat;
  /** Width of the decoded image in pixels, as the file claims. */
  readonly width: number;
  /** Height of the decoded image in pixels, as the file claims. */
  readonly height: number;
  /** Estimate of the memory that decoders take for each pixel, in bytes. */
  readonly bytesPerPixel: number;
  /** Whether decoders can reduce the image by a factor of 2, 4 or 8 while they decode it, and so take less memory. */
  readonly shrinksOnLoad: boolean;
  /** Byte ranges of the file that contain its first image. Without a value, the whole file is necessary. */
  readonly ranges?: readonly (readonly [start: number, end: number])[];
  /** Whether the file contains all data of its first image. Without a value, this is unknown. */
  readonly complete?: boolean;
}

/** A `DataView` of the same bytes as an array. */
export const createView = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Returns four bytes as text, for example the name of a chunk. */
export const readTag = (bytes: Uint8Array, offset: number): string =>
  String.fromCharCode(...bytes.subarray(offset, offset + 4));
