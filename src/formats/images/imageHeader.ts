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
  /**
   * Returns whether the file contains the data of all pixels of its first image, as far as the format allows to count them. The time is
   * proportional to the size of the file and the number of pixels. Call it after the size of the image has been checked.
   *
   * @param decoderWarns - Whether the decoder warns about missing data, except in the last rows. The data of a large file are then not
   *   counted.
   */
  readonly isComplete: (decoderWarns: boolean) => boolean;
  /**
   * Returns a copy of the file without irregularities that do not affect the pixels, for example damaged metadata. With a value, every
   * other warning of a decoder means that pixels are missing. Without a value, decoders report missing pixels as errors.
   */
  readonly repair?: () => Uint8Array;
}

/**
 * Largest number of segments, chunks, boxes or strips of an image file. Decoders allocate memory for each of them, even if they are empty.
 * The files of cameras and encoders have up to a few thousand.
 */
const MAX_PARTS = 100_000;

/**
 * Throws if a file has more parts than image files have.
 *
 * @param count - Number of parts.
 * @param noun - Name of the parts in the format, for example `chunks`.
 * @throws An `Error` whose message is a clause about the file.
 */
export function checkPartCount(count: number, noun: string): void {
  if (count > MAX_PARTS) throw new Error(`it has more than ${MAX_PARTS} ${noun}`);
}

/** A `DataView` of the same bytes as an array. */
export const createView = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Returns four bytes as text, for example the name of a chunk. */
export const readTag = (bytes: Uint8Array, offset: number): string =>
  String.fromCharCode(bytes[offset]!, bytes[offset + 1]!, bytes[offset + 2]!, bytes[offset + 3]!);
