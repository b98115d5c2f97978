import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import * as checks from '../core/errors/checks.js';
import type { Dataset } from '../data/dataset.js';
import {
  checkImageFileOptions,
  decodeImages,
  type EncodedImageSource,
  IMAGE_EXTENSIONS,
  type ImageFileOptions,
} from '../data/decodeImages.js';
import { createAccessError, describeAccessError } from './platform/files/accessError.js';
import { readRegularFile } from './platform/files/regularFile.js';
import { listFiles } from './platform/listFiles.js';
import { sharpDecoder } from './platform/sharpDecoder.js';
import { workerThreads } from './platform/workerThreads.js';

/** Maximum size of an image file in bytes. This limits the memory for files that are read at the same time. */
const MAX_IMAGE_FILE_BYTES = 2 ** 28;

/**
 * Creates a dataset from the images in a folder and its subfolders. Images are decoded and resized once, kept in memory as
 * bytes, and sorted by path. A file with an image extension is never ignored silently: the file is added to the dataset or to its
 * `skipped` list, or causes an error. A named pipe, a device, or a file larger than 256 MiB counts as unusable and is not opened.
 *
 * @throws A `file` error if the folder cannot be read or contains no images. A `data` error if a file cannot be decoded or has no
 *   labels.
 * @example
 * ```ts
 * import { imageFolder } from 'tfjs-multitask/node';
 * import { utkFace } from 'tfjs-multitask/datasets';
 *
 * const faces = await imageFolder('faces/', { labels: utkFace(), size: [64, 64], unusableFiles: 'skip' });
 * console.log(faces.size, faces.skipped);
 * ```
 * @category Data
 */
export async function imageFolder<L>(root: string, options: ImageFileOptions<L>): Promise<Dataset<L>> {
  checks.string('imageFolder', root, {
    noun: 'the path of a folder',
    advice: "Write imageFolder('faces', { ... }).",
  });
  checkImageFileOptions('imageFolder', options);
  const source: EncodedImageSource = {
    root,
    paths: await listImagePaths(root, options.signal),
    read: (path: string) => readImageFile(join(root, path), options.signal),
    concurrency: availableParallelism() + 2,
    loadDecoder: sharpDecoder,
    spawner: workerThreads(),
  };
  return decodeImages('imageFolder', source, options);
}

/** Lists the image files in `root` and its subfolders, as relative paths with `/` as the separator. */
async function listImagePaths(root: string, signal: AbortSignal | undefined): Promise<string[]> {
  try {
    return await listFiles(
      root,
      (entry) => !entry.isDirectory() && IMAGE_EXTENSIONS.test(entry.name),
      signal,
    );
  } catch (cause) {
    signal?.throwIfAborted();
    throw createAccessError(root, 'a readable folder', cause, 'Check the path.');
  }
}

/** Reads an image file. If the file cannot be read, throws an error whose message describes the reason. */
async function readImageFile(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readRegularFile(path, { maxBytes: MAX_IMAGE_FILE_BYTES, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Error(describeAccessError(cause), { cause });
  }
}
