import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative, sep } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import {
  decodeImages,
  type EncodedImageSource,
  IMAGE_EXTENSIONS,
  type ImageFileOptions,
} from '../data/decodeImages.js';
import { createAccessError } from './platform/accessError.js';
import { sharpDecoder } from './platform/sharpDecoder.js';
import { workerThreads } from './platform/workerThreads.js';

/**
 * The images below a folder as a dataset: decoded and resized once, kept as bytes, in the order of their paths. Every
 * file with an image's extension is in the dataset, or in its `skipped` list, or the error; none disappears.
 *
 * @throws `file` fault for a folder that cannot be read or has no images; `data` fault for a file that cannot be used.
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

/** Paths of image files below `root`, relative, with `/`. */
async function listImagePaths(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && IMAGE_EXTENSIONS.test(entry.name))
      .map((entry) =>
        relative(root, join(entry.parentPath ?? entry.path, entry.name))
          .split(sep)
          .join('/'),
      );
  } catch (cause) {
    throw createAccessError(root, 'a readable folder', cause, 'Check the path.');
  }
}
