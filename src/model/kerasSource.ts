import { createArgumentError, createFileError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import type { Platform } from '../core/platform/platform.js';

/**
 * A file that {@link loadKeras} reads:
 *
 * - a string or `URL`: in Node, a path, a `file:` URL or an http(s) URL; in a web page, any URL that the page can fetch. Other runtimes
 *   support neither strings nor URLs.
 * - the bytes of the file
 * - a `Blob`, for example a `File` that the visitor of a page selected
 *
 * @category Files
 */
export type KerasSource = string | URL | Uint8Array | Blob;

/**
 * Checks that a value is a {@link KerasSource} that the platform can read, before anything is read.
 *
 * @param path - Function or option that received the value, for the error message, for example `loadKeras`.
 * @throws An `argument` error if the value has another type or is an empty string, or if a path or URL is passed on a platform that cannot
 *   read files.
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
        ? "Pass a path such as 'face.keras', or the contents of the file as a Uint8Array or Blob."
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

/**
 * Returns the name of a source for error messages: its path, its URL, or the name of a `File`. Returns undefined for bytes, which have no
 * name.
 */
export function getSourceName(source: KerasSource | undefined): string | undefined {
  if (typeof source === 'string') return source;
  if (source instanceof URL) return source.href;
  return isBlob(source) ? (source as Partial<File>).name || undefined : undefined;
}

/**
 * Reads the bytes of a source that was checked with {@link checkKerasSource}.
 *
 * @param name - Name of the file, used in the error message.
 * @throws A `file` error if the file cannot be read. The reason of `signal` if it is aborted.
 */
export async function readKerasSource(
  platform: Platform,
  source: KerasSource,
  name: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (!isBlob(source)) return platform.readFile!(source, { signal });
  try {
    return new Uint8Array(await source.arrayBuffer());
  } catch (cause) {
    const received = `a file that cannot be read (${(cause as Error)?.name ?? cause})`;
    throw createFileError(name, 'a readable file', received, 'Select the file again.', cause);
  }
}

/** Returns whether a value is a `Blob`. Some JavaScript runtimes do not have this class. */
const isBlob = (source: unknown): source is Blob => typeof Blob === 'function' && source instanceof Blob;
