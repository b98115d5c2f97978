import { readFile } from 'node:fs/promises';
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
import { createAccessError } from './platform/accessError.js';
import { listFiles } from './platform/listFiles.js';
import { sharpDecoder } from './platform/sharpDecoder.js';
import { workerThreads } from './platform/workerThreads.js';

/**
 * Creates a dataset from the images in a folder and its subfolders. Images are decoded and resized once, kept in memory as
 * bytes, and sorted by path. A file with an image extension is never ignored silently: the file is added to the dataset or to its
 * `skipped` list, or causes an error.
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
    paths: await listImagePaths(root),
    read: (path: string) => readFile(join(root, path)),
    concurrency: availableParallelism() + 2,
    loadDecoder: sharpDecoder,
    spawner: workerThreads(),
  };
  return decodeImages('imageFolder', source, options);
}

/** Lists the image files in `root` and its subfolders, as relative paths with `/` as the separator. */
async function listImagePaths(root: string): Promise<string[]> {
  try {
    return await listFiles(root, (entry) => !entry.isDirectory() && IMAGE_EXTENSIONS.test(entry.name));
  } catch (cause) {
    throw createAccessError(root, 'a readable folder', cause, 'Check the path.');
  }
}
