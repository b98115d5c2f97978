import type { ImageBytes, ImageShape } from './images.js';

/**
 * Where bytes go: a folder, a browser's storage, a bucket. Names are relative, with `/` between parts
 * (`best/model.json`), and never leave the store.
 *
 * @category Files
 */
export interface Store {
  /** For messages: what a user would recognise, such as the folder's path. */
  readonly label: string;
  /** The bytes under `name`, or undefined when there are none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Writes whole or not at all: a reader sees the old bytes or the new, never a part. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds bytes at the end of `name`, making it if needed. Not atomic: a reader must allow for a cut last line. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes `name`; nothing happens when it is not there. */
  remove(name: string): Promise<void>;
  /** Every name that begins with `prefix`, sorted. */
  list(prefix?: string): Promise<string[]>;
}

/**
 * Decodes an encoded image (JPEG, PNG, WebP) and resizes it to `shape`, bytes in and bytes out.
 *
 * @category Data
 */
export type Decoder = (encoded: Uint8Array, shape: ImageShape) => Promise<ImageBytes>;

/**
 * Milliseconds since any fixed moment, never going back.
 *
 * @category Train
 */
export type Clock = () => number;

/**
 * Imports an optional package by name; throws a `missing-package` fault that names the install command, or a
 * `broken-package` fault when it is installed and does not load.
 *
 * @category Engines
 */
export type PackageLoader = <M>(name: string, neededFor: string) => Promise<M>;
