import type { ImageBytes, ImageShape } from '../images.js';

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
  /**
   * As `write`, but only where nothing is: of several that create one name at the same time, one is told true. Needed where several
   * processes share a store.
   */
  create?(name: string, bytes: Uint8Array): Promise<boolean>;
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
 * Encodes a small picture as the bytes of a JPEG, PNG or WebP file.
 *
 * @category Data
 */
export type Encoder = (image: ImageBytes) => Promise<Uint8Array>;

/**
 * Milliseconds since any fixed moment, never going back.
 *
 * @category Train
 */
export type Clock = () => number;

/**
 * Asks a server: the part of the platform's `fetch` that is used, so that `fetch` itself is one.
 *
 * @category Files
 */
export type Fetcher = (
  url: string,
  request: { readonly headers: { readonly [name: string]: string }; readonly signal?: AbortSignal },
) => Promise<FetcherResponse>;

/**
 * What a {@link Fetcher} gives; a `Response` is one.
 *
 * @category Files
 */
export interface FetcherResponse {
  /** Of HTTP. */
  readonly status: number;
  /** By name, whatever its capitals. */
  readonly headers: {
    /** One of them, or null. */
    get(name: string): string | null;
  };
  /** The bytes, as they come. */
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * Imports an optional package by name; throws a `missing-package` fault that names the install command, or a
 * `broken-package` fault when it is installed and does not load.
 *
 * @category Engines
 */
export interface PackageLoader {
  /** The package called `name`. */
  <M>(name: string, neededFor: string): Promise<M>;
  /** Threads that the machine runs at the same time. ONNX Runtime by itself takes one for every two of them. */
  readonly threads?: number;
}

/**
 * Starts workers, threads of their own that run a script: `workerThreads()` of `tfjs-multitask/node`, `webWorkers()` of
 * `tfjs-multitask/browser`.
 *
 * @category Data
 */
export interface Spawner {
  /** Workers at a time, at most. */
  readonly maxWorkers: number;
  /**
   * Starts one.
   *
   * @param script - Source text that declares a function `answer`: from a message to `[answer, transfer]`.
   * @param listener - Told what comes back.
   */
  spawn(script: string, listener: WorkerListener): SpawnedWorker;
}

/**
 * Hears one worker.
 *
 * @category Data
 */
export interface WorkerListener {
  /** An answer; they come in the order of the messages. */
  onMessage(answer: unknown): void;
  /** The worker is gone, or never was: no answer comes any more. Told once, and not after `end`. */
  onError(cause: unknown): void;
}

/**
 * A worker that runs.
 *
 * @category Data
 */
export interface SpawnedWorker {
  /** Sends a message; the buffers in `transfer` change hands and are empty here from now on. */
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  /** Ends it at once, whatever it is doing. */
  terminate(): void;
}

/** The platform that an entry of the package passes to everything it creates. */
export interface Platform {
  /** `default` is any JavaScript runtime: no files, no decoder, no optional packages. */
  readonly name: 'node' | 'browser' | 'default';
  /** Imports optional packages, such as ONNX Runtime. */
  readonly loadPackage: PackageLoader;
  /** Loads the decoder for encoded images, for calls that are not passed one. */
  readonly loadDecoder?: () => Promise<Decoder>;
  /** Reads a whole file: a path in Node, a URL in a page. Throws a `file` error when it cannot be read. */
  readonly readFile?: (source: string | URL) => Promise<Uint8Array>;
}
