import { readlink, realpath, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import * as checks from '../core/errors/checks.js';
import { MAX_IMAGE_FILE_BYTES } from '../core/images.js';
import type { Dataset, SkippedFile } from '../data/dataset.js';
import {
  checkImageFileOptions,
  decodeImages,
  type EncodedImageSource,
  hasImageExtension,
  type ImageFileOptions,
} from '../data/decodeImages.js';
import { createAccessError, describeAccessError } from './platform/files/accessError.js';
import { readRegularFile } from './platform/files/regularFile.js';
import { listFiles } from './platform/listFiles.js';
import { sharpDecoder } from './platform/sharpDecoder.js';
import { workerThreads } from './platform/workerThreads.js';

/**
 * Creates a dataset from the images in a folder and its subfolders. Images are decoded and resized once, kept in memory as
 * bytes, and sorted by path.
 *
 * - A file with an image extension is never ignored silently: the file is added to the dataset or to its `skipped` list, or causes an
 *   error. The same holds for a row of `csvLabels` without a file, for a link to a folder, which is not searched, and for a link to an image
 *   whose own name has no image extension.
 * - Files with other names are ignored, also without an extension, and backups and partial downloads such as `a.jpg~`, `a.jpg.bak` and
 *   `a.jpg.part`. Of an `.mpo` or `.jps` file with several images, the first is decoded.
 * - A named pipe, a device, or a file larger than 256 MiB counts as unusable and is not opened.
 * - The content of a file determines its format, not its extension. `sharpDecoder` lists the formats and limits.
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
    ...(await listImagePaths(root, options.signal)),
    read: (path: string) => readImageFile(join(root, path), options.signal),
    concurrency: availableParallelism() + 2,
    loadDecoder: sharpDecoder,
    spawner: workerThreads(),
  };
  return decodeImages('imageFolder', source, options);
}

/** Lists the image files, and the links to folders and images that cannot be used, in `root` and its subfolders, as relative paths with `/`. */
async function listImagePaths(
  root: string,
  signal: AbortSignal | undefined,
): Promise<Pick<EncodedImageSource, 'paths' | 'unusable'>> {
  try {
    const files = await listFiles(
      root,
      (entry) => !entry.isDirectory() && (hasImageExtension(entry.name) || entry.isSymbolicLink()),
      signal,
    );
    const paths = files.filter(hasImageExtension);
    const unusable: SkippedFile[] = [];
    for (const path of files.filter((file) => !hasImageExtension(file))) {
      const link = join(root, path);
      const target = await stat(link).catch(() => undefined);
      const isImageLink = () =>
        realpath(link)
          .catch(() => readlink(link))
          .then(hasImageExtension);
      if (target?.isDirectory())
        unusable.push({ path, reason: 'it is a link to a folder, and links to folders are not searched' });
      else if (await isImageLink())
        unusable.push({ path, reason: 'it is a link to an image, but its name has no image extension' });
    }
    return { paths, unusable };
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
