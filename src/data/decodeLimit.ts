import * as checks from '../core/errors/checks.js';
import type { ImageShape } from '../core/images.js';
import type { ImageHeader } from '../formats/images/imageHeader.js';
import { extractImage, readImageHeader } from '../formats/images/readImageHeader.js';

/** Default of the option `maxPixels`. */
const DEFAULT_MAX_PIXELS = 50_000_000;

/**
 * Largest memory that decoding may take for each pixel of `maxPixels`, in bytes. Formats that take more may have fewer pixels.
 */
const BYTES_PER_ALLOWED_PIXEL = 5;

/** Estimated memory of all images that are decoded at the same time in this process, in bytes. A larger image is decoded alone. */
const MEMORY_BUDGET = DEFAULT_MAX_PIXELS * BYTES_PER_ALLOWED_PIXEL;

/** Memory that decoding takes in addition to the pixels, in bytes. */
const MEMORY_OVERHEAD = 2 ** 20;

/**
 * Limit of the size of image files.
 *
 * @category Data
 */
export interface DecodeLimitOptions {
  /**
   * Largest number of pixels of an image file, width times height. Default 50 million. A larger image is an error, because a file of a few
   * bytes can claim any size. Formats that take more memory are limited to fewer pixels: 13 million for AVIF, 27 million for PNG and TIFF
   * with alpha and 16 bits, and 35 million for JPEG with several scans (progressive).
   */
  readonly maxPixels?: number;
}

/** Decodes the bytes of an image file after the checks of {@link createLimitedDecoder}. */
type DecodeFunction<R> = (bytes: Uint8Array, header: ImageHeader, shape: ImageShape) => Promise<R>;

/**
 * Returns a function that reads the header of an image file, and decodes its first image if the format is supported and the image does
 * not exceed the limit. An image that the decoder returns although its file contains too few pixels is an error. Images of all decoders wait for each other while they would together take more memory than a fixed budget.
 */
export function createLimitedDecoder<R>(
  caller: string,
  options: DecodeLimitOptions,
  decode: DecodeFunction<R>,
  { decoderWarns = false } = {},
): (encoded: Uint8Array, shape: ImageShape) => Promise<R> {
  checks.options(caller, options, { maxPixels: true }, { advice: `Write ${caller}({ maxPixels: 20e6 }).` });
  const { maxPixels = DEFAULT_MAX_PIXELS } = options;
  checkMaxPixels(caller, maxPixels);
  return async (encoded, shape) => {
    const header = readImageHeader(encoded);
    const memory = estimateMemory(header, shape);
    checkPixelCount(header, memory, maxPixels);
    await acquireMemory(memory);
    const image = await decode(extractImage(encoded, header), header, shape).finally(() =>
      releaseMemory(memory),
    );
    // Decoders report most incomplete files. Some return an image whose last rows are invented.
    if (!header.isComplete(decoderWarns))
      throw new Error('the file does not contain all pixels of its image');
    return image;
  };
}

/** Throws an `argument` error unless `maxPixels` is a positive integer. */
export function checkMaxPixels(caller: string, maxPixels: unknown): void {
  checks.integer(`${caller}.maxPixels`, maxPixels, { min: 1, defaultValue: DEFAULT_MAX_PIXELS });
}

function checkPixelCount({ format, width, height }: ImageHeader, memory: number, maxPixels: number): void {
  if (width < 1 || height < 1) throw new Error('its header claims an image without pixels');
  const size = `it has ${width}x${height} pixels`;
  if (width * height > maxPixels)
    throw new Error(`${size}, more than the ${maxPixels} that the option maxPixels allows`);
  const equivalent = Math.ceil(memory / BYTES_PER_ALLOWED_PIXEL);
  if (equivalent <= maxPixels) return;
  throw new Error(
    `${size}, and as ${format.toUpperCase()} takes the memory of ${equivalent}, more than the ${maxPixels} that the option maxPixels allows`,
  );
}

/** Returns the memory for decoding an image to a shape. A decoder that can shrink the image halves its sides while they are twice as long. */
function estimateMemory(header: ImageHeader, [height, width]: ImageShape): number {
  const scale = header.shrinksOnLoad ? Math.min(header.width / width, header.height / height) : 1;
  const shrink = [8, 4, 2].find((factor) => factor <= scale) ?? 1;
  return header.width * header.height * (header.bytesPerPixel / shrink ** 2);
}

/** Images that are decoded now, and those that wait. The memory of the machine is shared by all decoders of the process. */
const budget = { used: 0, waiting: [] as { readonly memory: number; readonly start: () => void }[] };

async function acquireMemory(memory: number): Promise<void> {
  await new Promise<void>((resolve) => {
    budget.waiting.push({ memory: memory + MEMORY_OVERHEAD, start: resolve });
    startWaiting();
  });
}

function releaseMemory(memory: number): void {
  budget.used -= memory + MEMORY_OVERHEAD;
  startWaiting();
}

/** Starts waiting images in their order, while they fit into the budget. */
function startWaiting(): void {
  for (;;) {
    const [next] = budget.waiting;
    if (!next || (budget.used > 0 && budget.used + next.memory > MEMORY_BUDGET)) return;
    budget.waiting.shift();
    budget.used += next.memory;
    next.start();
  }
}
