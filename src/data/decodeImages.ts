import { createError, isMultitaskError } from '../core/errors/errors.js';
import type { ImageBytes } from '../core/images.js';
import type { Decoder, Spawner } from '../core/platform/platform.js';
import { Dataset, type DatasetItem, type SkippedFile } from './dataset.js';
import type { LabelReader } from './labelReader.js';

/** Names that are read; other kinds of files are passed over. */
export const IMAGE_EXTENSIONS = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;
const DECODE_FAILURE = 'it cannot be decoded';

/**
 * What every source of image files takes.
 *
 * @category Data
 */
export interface ImageFileOptions<L> {
  /** Labels from the path of each file. */
  readonly labels: LabelReader<L>;
  /** Height and width that every image is stretched to, pixels. */
  readonly size: readonly [height: number, width: number];
  /** 3 for colour (default), 1 for grey. */
  readonly channels?: 1 | 3;
  /** What a file that cannot be decoded or has no labels does: end with an `error` (default), or `skip` and be listed. */
  readonly unusableFiles?: 'error' | 'skip';
  /** Use only so many files, spread evenly over the order of their paths: paths often sort by label. Default all. */
  readonly limit?: number;
  /** Told how many files are decoded. */
  readonly onProgress?: (done: number, all: number) => void;
  /** Ends the reading with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Default: sharp in Node, the page's own decoder in a page. */
  readonly decoder?: Decoder;
}

/** Files by path, and how to get at them. */
export interface EncodedImageSource {
  /** For messages: the folder, or what was given. */
  readonly root: string;
  /** Of image files alone, below `root`, with `/`. */
  readonly paths: readonly string[];
  /** The bytes of one. */
  read(path: string): Promise<Uint8Array>;
  /** How many are decoded at a time. */
  readonly concurrency: number;
  /** For a source without `decoder`. */
  loadDecoder(): Promise<Decoder>;
  /** For what is done to the images later. */
  readonly spawner: Spawner;
}

/**
 * Encoded images as a dataset: decoded and resized once, kept as bytes, in the order of their paths. Every file is in
 * the dataset, or in its `skipped` list, or the error; none disappears. `caller` names the function in messages.
 */
export async function decodeImages<L>(
  caller: string,
  source: EncodedImageSource,
  options: ImageFileOptions<L>,
): Promise<Dataset<L>> {
  const { labels, size, channels = 3, unusableFiles = 'error', limit, onProgress, signal } = options;
  checkImageSize(caller, size, channels);
  if (source.paths.length === 0) {
    throw createError({
      kind: 'file',
      path: source.root,
      expected: 'a folder with image files (jpg, png, webp, gif, tiff, avif)',
      received: 'a folder without any',
      advice: 'Check the path; folders below it are looked into, other kinds of files are not.',
    });
  }
  const sorted = [...source.paths].sort((a, b) => (a < b ? -1 : 1));
  const paths = sampleEvenly(caller, sorted, limit);
  const decode = options.decoder ?? (await source.loadDecoder());
  const shape = [size[0], size[1], channels] as const;
  const outcomes: (DatasetItem<L> | SkippedFile)[] = new Array(paths.length);
  const item = (path: string) => readItem(source, path, labels, (bytes) => decode(bytes, shape));
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < paths.length) {
      signal?.throwIfAborted();
      const index = next++;
      const outcome = await item(paths[index]!);
      outcomes[index] = outcome;
      if ('reason' in outcome && unusableFiles === 'error') return;
      onProgress?.(++done, paths.length);
    }
  };
  const stop = () => {
    next = paths.length;
  };
  await Promise.all(Array.from({ length: source.concurrency }, () => work().finally(stop)));
  // libvips keeps one list of reasons for all its threads: a file that failed beside others is asked again, alone.
  for (const [index, outcome] of outcomes.entries()) {
    if (!outcome || !('reason' in outcome && outcome.reason.startsWith(DECODE_FAILURE))) continue;
    const again = await item(outcome.path);
    if ('reason' in again || unusableFiles === 'skip') outcomes[index] = again;
  }
  const items = outcomes.filter((outcome): outcome is DatasetItem<L> => 'read' in outcome);
  const skipped = outcomes.filter((outcome): outcome is SkippedFile => 'reason' in outcome);
  // Files are begun in the order of their paths, and those begun are finished: of several, always the first is named.
  if (skipped[0] && unusableFiles === 'error') throw createUnusableFileError(source.root, skipped[0]);
  if (items.length > 0) return new Dataset(shape, items, skipped).withWorkers(source.spawner);
  throw createError({
    kind: 'data',
    path: source.root,
    expected: 'at least one image with labels',
    received: `${paths.length} files, none of which can be used; the first, ${skipped[0]!.path}: ${skipped[0]!.reason}`,
    advice: 'Check that `labels` reads the names of these files, and that they are images.',
  });
}

/** Throws an `argument` fault for images of no size. */
function checkImageSize(caller: string, size: readonly number[], channels: number): void {
  const wrong = (path: string, expected: string, received: unknown, advice: string) =>
    createError({
      kind: 'argument',
      path,
      expected,
      received: JSON.stringify(received) ?? 'nothing',
      advice,
    });
  if (
    !Array.isArray(size) ||
    size.length !== 2 ||
    !size.every((side) => Number.isInteger(side) && side > 0)
  ) {
    throw wrong(
      `${caller}.size`,
      '[height, width] in pixels',
      size,
      'Give [128, 128], or the size of the network.',
    );
  }
  if (channels !== 1 && channels !== 3) {
    throw wrong(`${caller}.channels`, '1 or 3', channels, 'Give 3 for colour, 1 for grey.');
  }
}

/** `count` of `all`, evenly spaced. */
function sampleEvenly(caller: string, all: readonly string[], count = all.length): readonly string[] {
  if (!Number.isInteger(count) || count < 1) {
    throw createError({
      kind: 'argument',
      path: `${caller}.limit`,
      expected: 'a whole number above zero',
      received: String(count),
      advice: 'Leave it out to use every file.',
    });
  }
  if (count >= all.length) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
}

async function readItem<L>(
  source: EncodedImageSource,
  path: string,
  labels: LabelReader<L>,
  decode: (bytes: Uint8Array) => Promise<ImageBytes>,
): Promise<DatasetItem<L> | SkippedFile> {
  const found = labels(path);
  if ('reason' in found) return { path, reason: found.reason };
  let not = 'it cannot be read';
  try {
    const bytes = await source.read(path);
    if (bytes.length === 0) return { path, reason: 'the file is empty' };
    not = DECODE_FAILURE;
    const image = await decode(bytes);
    return { id: path, labels: found.labels, read: () => Promise.resolve(image) };
  } catch (cause) {
    if (isMultitaskError(cause)) throw cause;
    return { path, reason: `${not} (${(cause as Error).message.split('\n')[0]})` };
  }
}

function createUnusableFileError(root: string, { path, reason }: SkippedFile): Error {
  return createError({
    kind: 'data',
    path: `${root.replace(/\/$/, '')}/${path}`,
    expected: 'an image with labels',
    received: `a file that cannot be used: ${reason}`,
    advice: `Mend or remove it, or give unusableFiles: 'skip' to list such files and go on.`,
  });
}
