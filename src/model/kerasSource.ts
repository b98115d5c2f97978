import { createArgumentError, createFileError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { Platform } from '../core/platform/platform.js';

/**
 * A file that {@link loadKeras} reads:
 *
 * - a string or `URL`: in Node a path, a `file:` URL or an http(s) URL, in a page a URL. Other runtimes read neither.
 * - the bytes of the file
 * - a `Blob`, for example a `File` that the visitor of a page selected
 *
 * @category Files
 */
export type KerasSource = string | URL | Uint8Array | Blob;

/**
 * Checks the type of a source before anything is read.
 *
 * @param path - Path for the error: `loadKeras`.
 * @throws An `argument` error for a value of another type, an empty string, and a path or URL on a platform that reads no files.
 */
export function checkKerasSource(path: string, source: unknown, platform: Platform): void {
  if (source instanceof Uint8Array || isBlob(source)) return;
  const isLocation = typeof source === 'string' || source instanceof URL;
  if (isLocation && !platform.readFile) {
    throw createArgumentError(
      path,
      'the bytes of a file as a Uint8Array or Blob',
      'a path or URL, which this runtime cannot read',
      'Read the file first, and pass its bytes.',
    );
  }
  if (isLocation && source !== '') return;
  const advice =
    source instanceof ArrayBuffer
      ? 'Write new Uint8Array(buffer).'
      : platform.readFile
        ? "Write loadKeras('face.keras'), or pass the content of the file as a Uint8Array or Blob."
        : 'Read the file first, and pass its bytes.';
  throw createArgumentError(
    path,
    platform.readFile
      ? 'a path, a URL or the bytes of a file'
      : 'the bytes of a file as a Uint8Array or Blob',
    describeType(source),
    suggestAwait(source, advice),
  );
}

/** Returns the path, the URL or the name of a `File`, for errors; undefined for bytes without a name. */
export function getSourceName(source: KerasSource | undefined): string | undefined {
  if (typeof source === 'string') return source;
  if (source instanceof URL) return source.href;
  return isBlob(source) ? (source as Partial<File>).name || undefined : undefined;
}

/**
 * Returns the bytes of a checked source.
 *
 * @param name - Name of the file for the error.
 * @throws A `file` error if the file cannot be read.
 */
export async function readKerasSource(
  platform: Platform,
  source: KerasSource,
  name: string,
): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (!isBlob(source)) return platform.readFile!(source);
  try {
    return new Uint8Array(await source.arrayBuffer());
  } catch (cause) {
    const received = `the error ${(cause as Error)?.name ?? cause}`;
    throw createFileError(name, 'a file that can be read', received, 'Select the file again.', cause);
  }
}

/** Some JavaScript runtimes have no `Blob`. */
const isBlob = (source: unknown): source is Blob => typeof Blob === 'function' && source instanceof Blob;
