import type { ImageBytes, ImageShape } from '../images.js';

/**
 * Storage for files: a folder, browser storage, or a bucket. Names are relative, with `/` between their parts
 * (`best/model.json`), and cannot leave the store.
 *
 * @category Files
 */
export interface Store {
  /** Name of the store in messages, for example the path of a folder. */
  readonly label: string;
  /** Returns the content of a file, or undefined when there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Writes a file atomically: a reader receives either the old content or the new content. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Appends bytes to a file, and creates it if needed. Not atomic: a reader must allow for an incomplete last line. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes a file atomically unless it exists. Returns whether it was written: of several processes that create the same file at
   * the same time, exactly one receives true. Needed by programs that share a store between processes.
   */
  create?(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Removes a file. Does nothing when there is no such file. */
  remove(name: string): Promise<void>;
  /** Returns the names of all files that begin with `prefix`, sorted. */
  list(prefix?: string): Promise<string[]>;
}

/**
 * Decodes an image file (JPEG, PNG, WebP) and resizes the image to `shape`.
 *
 * @category Data
 */
export type Decoder = (encoded: Uint8Array, shape: ImageShape) => Promise<ImageBytes>;

/**
 * Encodes an image as the bytes of a JPEG, PNG or WebP file.
 *
 * @category Data
 */
export type Encoder = (image: ImageBytes) => Promise<Uint8Array>;

/**
 * Returns milliseconds since a fixed moment. The value never decreases.
 *
 * @category Train
 */
export type Clock = () => number;

/**
 * Requests a URL. It is the part of `fetch` that the library uses, so `fetch` itself is a fetcher.
 *
 * @category Files
 */
export type Fetcher = (
  url: string,
  request: { readonly headers: { readonly [name: string]: string }; readonly signal?: AbortSignal },
) => Promise<FetcherResponse>;

/**
 * Response of a {@link Fetcher}. A `Response` of `fetch` is one.
 *
 * @category Files
 */
export interface FetcherResponse {
  /** Status code of HTTP. */
  readonly status: number;
  /** Headers of the response. Their names are case-insensitive. */
  readonly headers: {
    /** Returns the value of a header, or null when there is no such header. */
    get(name: string): string | null;
  };
  /** Content of the response, as a stream. */
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * Imports an optional package by name. Throws a `missing-package` error that contains the install command, or a
 * `broken-package` error when the package is installed but fails to load.
 *
 * @category Engines
 */
export interface PackageLoader {
  /** Imports the package `name`. `neededFor` is the purpose that the error states: `reading images`. */
  <M>(name: string, neededFor: string): Promise<M>;
  /** Number of threads that the machine runs at the same time. By default ONNX Runtime uses half of them. */
  readonly threads?: number;
}

/**
 * Starts worker threads: `workerThreads()` of `tfjs-multitask/node`, or `webWorkers()` of `tfjs-multitask/browser`.
 *
 * @category Data
 */
export interface Spawner {
  /** Largest number of workers at the same time. */
  readonly maxWorkers: number;
  /**
   * Starts a worker.
   *
   * @param script - Source code that declares a function `answer`. It receives a message and returns `[answer, transfer]`.
   * @param listener - Receives the answers of the worker, and its failure.
   */
  spawn(script: string, listener: WorkerListener): SpawnedWorker;
}

/**
 * Receives the answers of one worker.
 *
 * @category Data
 */
export interface WorkerListener {
  /** Called with every answer, in the order of the messages. */
  onMessage(answer: unknown): void;
  /** Called once when the worker has failed or could not start, so no more answers follow. Not called after `terminate`. */
  onError(cause: unknown): void;
}

/**
 * A running worker.
 *
 * @category Data
 */
export interface SpawnedWorker {
  /** Sends a message. The buffers in `transfer` are moved to the worker, and are empty here afterwards. */
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  /** Ends the worker immediately. */
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
  /** Reads a whole file: a path, `file:` URL or http(s) URL in Node, a URL in a page. Throws a `file` error when it cannot be read. */
  readonly readFile?: (source: string | URL) => Promise<Uint8Array>;
}
