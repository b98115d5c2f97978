import * as checks from '../core/errors/checks.js';
import { describeThrown } from '../core/errors/describeThrown.js';
import { createArgumentError, createError, isMultitaskError } from '../core/errors/errors.js';
import { escapeText } from '../core/errors/escapeText.js';
import { checkImageBytes, type ImageBytes } from '../core/images.js';
import type { Decoder, Spawner } from '../core/platform/platform.js';
import { Dataset, type DatasetItem, type SkippedFile } from './dataset.js';
import { checkMaxPixels, type DecodeLimitOptions } from './decodeLimit.js';
import type { LabelReader } from './labelReader.js';

/** File name extensions of the formats that the decoders of the library read. */
const DECODED_EXTENSIONS =
  'jpg jpeg jpe jfif jif pjpeg pjp mpo jps png apng webp gif tif tiff ptif tf8 btf avif'.split(' ');

/** Extensions of other image formats. Such a file is decoded only if its content has one of the formats above, or by your own decoder. */
const OTHER_EXTENSIONS = [
  'bmp dib ico cur pbm pgm ppm pnm pam pfm tga pcx xbm xpm sgi ras wbmp',
  'heic heics heif heifs hif avifs avci jp2 j2k j2c jpc jpf jpx jpm jxl jxr wdp jng mng',
  'svg svgz psd psb xcf exr hdr pic dds qoi fit fits dcm dicom eps emf wmf bpg flif',
  'dng cr2 cr3 crw nef nrw arw sr2 srf orf raf rw2 pef srw x3f 3fr raw kdc dcr erf mrw mef rwl iiq gpr',
].flatMap((extensions) => extensions.split(' '));

const IMAGE_EXTENSIONS = new Set([...DECODED_EXTENSIONS, ...OTHER_EXTENSIONS]);

/**
 * Returns whether the name of a file has the extension of an image format. Files with other names are ignored, also backups and partial
 * downloads of images, such as `a.jpg~`, `a.jpg.bak` and `a.jpg.part`.
 */
export const hasImageExtension = (path: string): boolean => {
  const extension = /\.([^./\\]*)$/.exec(path)?.[1];
  return extension !== undefined && IMAGE_EXTENSIONS.has(extension.toLowerCase());
};

const DECODE_FAILURE = 'it cannot be decoded';

/**
 * Options for `imageFolder` and `imageFiles`.
 *
 * @category Data
 */
export interface ImageFileOptions<L> extends DecodeLimitOptions {
  /** Reads the labels of an image from the path of its file: `utkFace()`, {@link csvLabels}, or your own function. */
  readonly labels: LabelReader<L>;
  /** Height and width in pixels. Every image is resized to this size; the aspect ratio is not preserved. */
  readonly size: readonly [height: number, width: number];
  /** Number of channels of the images: 3 for color (default), 1 for grayscale. */
  readonly channels?: 1 | 3;
  /**
   * Handling of files that cannot be decoded or have no labels, of links to folders, and of rows of a CSV file without an image: `error`
   * (default) throws an error, `skip` adds the path to the `skipped` list of the dataset.
   */
  readonly unusableFiles?: 'error' | 'skip';
  /**
   * Maximum number of files to use. The files are picked at even intervals from the sorted paths, because the first files in sorted order
   * often have the same label. Default: all files.
   */
  readonly limit?: number;
  /** Called after each decoded file with the number of decoded files and the total number of files. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Signal that aborts reading. The returned promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Function that decodes and resizes one image file. Default: sharp in Node, the browser's decoder in a page. Your own decoder receives
   * files of any format and any size.
   */
  readonly decoder?: Decoder;
}

/** Encoded image files, and the functions of a platform for reading and decoding them. */
export interface EncodedImageSource {
  /** Name of the source in messages, for example the path of a folder. */
  readonly root: string;
  /** Paths of the image files, relative to `root`, with `/` as the separator. */
  readonly paths: readonly string[];
  /** Other paths that a user could expect in the dataset, and the reasons why they cannot be used. */
  readonly unusable?: readonly SkippedFile[];
  /** Reads the bytes of a file. */
  read(path: string): Promise<Uint8Array>;
  /** Number of files that are decoded at the same time. */
  readonly concurrency: number;
  /** Loads the platform's decoder, which is used if the options do not contain a decoder. */
  loadDecoder(limits: DecodeLimitOptions): Promise<Decoder>;
  /** Factory for the workers that augment the images of the dataset. */
  readonly spawner: Spawner;
}

/**
 * Creates a dataset from encoded images. Each image is decoded and resized once and stored as bytes. The images are in the order of their
 * paths. A file that cannot be used is added to the `skipped` list or throws an error, depending on `unusableFiles`. `caller` is the name
 * of the public function in error messages.
 */
export async function decodeImages<L>(
  caller: string,
  source: EncodedImageSource,
  options: ImageFileOptions<L>,
): Promise<Dataset<L>> {
  checkImageFileOptions(caller, options);
  const {
    labels,
    size,
    channels = 3,
    unusableFiles = 'error',
    limit,
    maxPixels,
    onProgress,
    signal,
  } = options;
  const unmatched = labels.findUnmatched?.(source.paths) ?? [];
  const excluded = [...(source.unusable ?? []), ...unmatched].sort(comparePaths);
  if (excluded[0] && unusableFiles === 'error') throw createUnusableFileError(source.root, excluded[0]);
  if (source.paths.length === 0) {
    throw createError({
      kind: 'file',
      path: source.root,
      expected: 'a folder with image files (jpg, png, webp, gif, tiff, avif)',
      received: 'a folder without image files',
      advice: 'Check the path. Subfolders are searched; files of other types are ignored.',
    });
  }
  const excludedPaths = new Set(excluded.map(({ path }) => path));
  const sorted = source.paths.filter((path) => !excludedPaths.has(path)).sort((a, b) => (a < b ? -1 : 1));
  const paths = sampleEvenly(caller, sorted, limit);
  const decode = options.decoder ?? (await source.loadDecoder(maxPixels === undefined ? {} : { maxPixels }));
  const shape = [size[0], size[1], channels] as const;
  const outcomes: (DatasetItem<L> | SkippedFile)[] = new Array(paths.length);
  const readOne = (path: string) => readItem(source, path, labels, (bytes) => decode(bytes, shape));
  let next = 0;
  let done = 0;
  const readNext = async () => {
    while (next < paths.length) {
      signal?.throwIfAborted();
      const index = next++;
      const outcome = await readOne(paths[index]!);
      outcomes[index] = outcome;
      if ('reason' in outcome && unusableFiles === 'error') return;
      onProgress?.(++done, paths.length);
    }
  };
  const stop = () => {
    next = paths.length;
  };
  const readers = Array.from({ length: source.concurrency }, () => readNext().finally(stop));
  await untilAborted(Promise.all(readers), signal).finally(stop);
  // libvips has one error log for all threads, so the error may belong to another file. A file that failed is therefore decoded again
  // alone.
  for (const [index, outcome] of outcomes.entries()) {
    if (!outcome || !('reason' in outcome && outcome.reason.startsWith(DECODE_FAILURE))) continue;
    const again = await untilAborted(readOne(outcome.path), signal);
    if ('reason' in again || unusableFiles === 'skip') outcomes[index] = again;
  }
  const items = outcomes.filter((outcome): outcome is DatasetItem<L> => 'read' in outcome);
  const failed = outcomes.filter((outcome): outcome is SkippedFile => 'reason' in outcome);
  // Decoding starts in the order of the paths and is not canceled, so the error always reports the first unusable file.
  if (failed[0] && unusableFiles === 'error') throw createUnusableFileError(source.root, failed[0]);
  const skipped = [...failed, ...excluded].sort(comparePaths);
  if (items.length > 0) return new Dataset(shape, items, skipped).withWorkers(source.spawner);
  throw createError({
    kind: 'data',
    path: source.root,
    expected: 'at least one image with labels',
    received: `${skipped.length} unusable ${skipped.length === 1 ? 'file' : 'files'} (${skipped[0]!.path}: ${skipped[0]!.reason})`,
    advice: 'Check that the `labels` function can parse these file names, and that the files are images.',
  });
}

const comparePaths = (a: SkippedFile, b: SkippedFile) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

/** Returns the result of `promise`. If the signal is aborted first, rejects with its reason, even if the promise is never resolved. */
async function untilAborted<R>(promise: Promise<R>, signal: AbortSignal | undefined): Promise<R> {
  if (!signal) return promise;
  let onAbort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Throws an `argument` error for unknown options and for options of the wrong type. */
export function checkImageFileOptions(caller: string, options: ImageFileOptions<any>): void {
  const names: checks.OptionNames<ImageFileOptions<any>> = {
    labels: true,
    size: true,
    channels: true,
    unusableFiles: true,
    limit: true,
    maxPixels: true,
    onProgress: true,
    signal: true,
    decoder: true,
  };
  const advice = `Write ${caller}(..., { labels: utkFace(), size: [128, 128] }).`;
  checks.options(caller, options, names, {
    advice,
    replacements: { unusable: "Write unusableFiles: 'skip'.", errors: "Write unusableFiles: 'skip'." },
  });
  const {
    labels,
    size,
    channels = 3,
    unusableFiles = 'error',
    onProgress,
    signal,
    decoder,
    maxPixels,
  } = options;
  checks.shape(`${caller}.size`, size, ['height', 'width'], {
    advice: 'Pass the input size of the network, for example [128, 128].',
  });
  checks.oneOf(`${caller}.channels`, channels, [1, 3], { advice: 'Pass 3 for color or 1 for grayscale.' });
  checks.callable(`${caller}.labels`, labels, {
    noun: 'a function from the path of a file to its labels',
    advice: 'Pass utkFace(), csvLabels(...), or your own function.',
  });
  checks.oneOf(`${caller}.unusableFiles`, unusableFiles, ['error', 'skip'], {
    advice: "Omit it to use the default, 'error'.",
  });
  if (onProgress !== undefined)
    checks.callable(`${caller}.onProgress`, onProgress, { advice: 'Write onProgress: (done, total) => ...' });
  if (signal !== undefined) checks.signal(`${caller}.signal`, signal);
  if (decoder !== undefined)
    checks.callable(`${caller}.decoder`, decoder, { advice: 'Pass await sharpDecoder().' });
  if (maxPixels === undefined) return;
  checkMaxPixels(caller, maxPixels);
  if (decoder === undefined) return;
  throw createArgumentError(
    `${caller}.maxPixels`,
    'no limit, because the option decoder is set',
    String(maxPixels),
    'Set the limit of your decoder instead, for example sharpDecoder({ maxPixels }).',
  );
}

/** Returns `count` paths, evenly spaced over the list `all`. */
function sampleEvenly(caller: string, all: readonly string[], count: number | undefined): readonly string[] {
  if (count === undefined) return all;
  checks.integer(`${caller}.limit`, count, { min: 1, advice: 'Omit it to use every file.' });
  if (count >= all.length) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
}

async function readItem<L>(
  source: EncodedImageSource,
  path: string,
  labels: LabelReader<L>,
  decode: (bytes: Uint8Array) => Promise<ImageBytes>,
): Promise<DatasetItem<L> | SkippedFile> {
  const result: unknown = labels(path);
  checks.record(`labels of ${path}`, result, {
    kind: 'data',
    noun: 'an object with labels or a reason',
    advice: "Return { labels: { age: 31 } }, or { reason: 'it has no label' } from the function labels.",
  });
  if ('reason' in result) return { path, reason: String(result.reason) };
  let failure = 'it cannot be read';
  try {
    const bytes = await source.read(path);
    if (bytes.length === 0) return { path, reason: 'the file is empty' };
    failure = DECODE_FAILURE;
    const decoded = await decode(bytes);
    checkImageBytes(`decoder: ${path}`, decoded);
    // The bytes are copied because they may be a view of a buffer that the decoder uses again.
    const image = { ...decoded, data: new Uint8Array(decoded.data) };
    return { id: path, labels: result.labels as L, read: () => Promise.resolve(image) };
  } catch (cause) {
    if (isMultitaskError(cause)) throw cause;
    return {
      path,
      reason: escapeText(`${failure} (${describeThrown(cause).split('\n')[0] || 'without a reason'})`),
    };
  }
}

function createUnusableFileError(root: string, { path, reason }: SkippedFile): Error {
  return createError({
    kind: 'data',
    path: `${root.replace(/[\\/]$/, '')}/${path}`,
    expected: 'an image with labels',
    received: `an unusable file (${reason})`,
    advice: `Fix or remove the file, or pass unusableFiles: 'skip' to list such files in \`skipped\` and continue.`,
  });
}
