import type { Dataset } from '../data/dataset.js';
import {
  checkImageFileOptions,
  decodeImages,
  type EncodedImageSource,
  IMAGE_EXTENSIONS,
  type ImageFileOptions,
} from '../data/decodeImages.js';
import { canvasDecoder } from './canvasDecoder.js';
import { webWorkers } from './webWorkers.js';

/**
 * Creates a dataset from files that a user selected or dropped, for example `input.files`. Users can also select a whole folder
 * (`webkitdirectory`). As with `imageFolder` in Node, images are decoded and resized once, kept in memory as bytes, and sorted by path.
 *
 * @throws A `file` error if no file is an image. A `data` error if a file cannot be decoded or has no labels.
 * @example
 * ```ts
 * import { imageFiles } from 'tfjs-multitask/browser';
 * import { utkFace } from 'tfjs-multitask/datasets';
 *
 * const input = document.querySelector<HTMLInputElement>('input[type=file]')!;
 * const faces = await imageFiles(input.files!, { labels: utkFace(), size: [64, 64], unusableFiles: 'skip' });
 * console.log(faces.size, faces.skipped);
 * ```
 * @category Data
 */
export async function imageFiles<L>(
  files: Iterable<File> | ArrayLike<File>,
  options: ImageFileOptions<L>,
): Promise<Dataset<L>> {
  checkImageFileOptions('imageFiles', options);
  const byPath = new Map(Array.from(files, (file) => [file.webkitRelativePath || file.name, file] as const));
  const source: EncodedImageSource = {
    root: 'files',
    paths: [...byPath.keys()].filter((path) => IMAGE_EXTENSIONS.test(path)),
    read: async (path: string) => new Uint8Array(await byPath.get(path)!.arrayBuffer()),
    concurrency: navigator.hardwareConcurrency + 2,
    loadDecoder: async () => canvasDecoder(),
    spawner: webWorkers(),
  };
  return decodeImages('imageFiles', source, options);
}
