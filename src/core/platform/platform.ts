import type { ImageBytes, ImageShape } from '../images.js';

/**
 * Storage for files: a folder, browser storage, or a bucket. File names are relative paths with `/` as the separator, for example
 * `best/model.json`, and cannot refer to files outside the store.
 *
 * @category Files
 */
export interface Store {
  /** Name of the store in messages, for example the path of a folder. */
  readonly label: string;
  /**
   * Returns the contents of a file, or undefined if the file does not exist.
   *
   * The library also accepts what clients of databases, archives and buckets return: `null` for a missing file, a Node.js `Buffer`, a view
   * of a larger buffer, and an `ArrayBuffer`. The library never modifies the returned bytes.
   */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Writes a file atomically: a reader receives either the old or the new contents. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Appends bytes to a file, and creates it if needed. Appending is not atomic: a reader may find an incomplete last line. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes a file atomically unless it already exists. Returns whether the file was written: if several processes create the same file at
   * the same time, exactly one of them receives true. A store that several processes share must have this method.
   */
  create?(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Removes a file. Does nothing if the file does not exist. */
  remove(name: string): Promise<void>;
  /** Returns the names of all files that begin with `prefix`, sorted. */
  list(prefix?: string): Promise<string[]>;
  /**
   * Locks a name, so that no other run writes the files of that name until the returned function releases the lock. `fit` locks all files
   * that it writes. If the process that holds a lock has ended, the lock is replaced. Throws a `file` error if the lock is held, also by
   * this process. Without this method, two runs can write the same files.
   */
  lock?(name: string): Promise<() => Promise<void>>;
}

/**
 * Function that decodes an image file (JPEG, PNG or WebP) and resizes the image to `shape`.
 *
 * @category Data
 */
export type Decoder = (encoded: Uint8Array, shape: ImageShape) => Promise<ImageBytes>;

/**
 * Function that encodes an image as the bytes of a JPEG, PNG or WebP file.
 *
 * @category Data
 */
export type Encoder = (image: ImageBytes) => Promise<Uint8Array>;

/**
 * Function that returns the time in milliseconds since an arbitrary start, like `performance.now()`. The value never decreases.
 *
 * @category Train
 */
export type Clock = () => number;

/**
 * Function that requests a URL. The type covers the part of `fetch` that the library uses, so you can pass `fetch` itself.
 *
 * @category Files
 */
export type Fetcher = (
  url: string,
  request: { readonly headers: { readonly [name: string]: string }; readonly signal?: AbortSignal },
) => Promise<FetcherResponse>;

/**
 * Response of a {@link Fetcher}. The `Response` of `fetch` has this type.
 *
 * @category Files
 */
export interface FetcherResponse {
  /** HTTP status code. */
  readonly status: number;
  /** Headers of the response. Their names are case-insensitive. */
  readonly headers: {
    /** Returns the value of a header, or null if the response does not have the header. */
    get(name: string): string | null;
  };
  /** Body of the response, as a stream. */
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * Function that imports an optional package by name. If the package is not installed, the function throws a `missing-package` error with
 * the install command. If the package fails to load, it throws a `broken-package` error.
 *
 * @category Engines
 */
export interface PackageLoader {
  /** Imports the package `name`. `neededFor` is the purpose of the package for the error message, for example `reading images`. */
  <M>(name: string, neededFor: string): Promise<M>;
  /**
   * Number of hardware threads of the machine, which is the default number of threads for ONNX Runtime. ONNX Runtime itself would use only
   * half as many by default.
   */
  readonly threads?: number;
}

/**
 * Factory for worker threads. To create one, call `workerThreads()` from `tfjs-multitask/node` or `webWorkers()` from
 * `tfjs-multitask/browser`.
 *
 * @category Data
 */
export interface Spawner {
  /** Maximum number of workers that run at the same time. */
  readonly maxWorkers: number;
  /**
   * Starts a worker.
   *
   * @param script - Source code that declares a function `answer`. It receives a message and returns `[result, transfer]`: the result, and
   *   the buffers that are transferred to the main thread without being copied.
   * @param listener - Receives the results of the worker, or its failure.
   */
  spawn(script: string, listener: WorkerListener): SpawnedWorker;
}

/**
 * Callbacks that receive the results of one worker.
 *
 * @category Data
 */
export interface WorkerListener {
  /** Called with each result of the worker, in the order in which the messages were sent. */
  onMessage(answer: unknown): void;
  /**
   * Called once if the worker fails or cannot start. The worker sends no more results after that. `onError` is not called after
   * `terminate`.
   */
  onError(cause: unknown): void;
}

/**
 * Worker thread that was started by a {@link Spawner}.
 *
 * @category Data
 */
export interface SpawnedWorker {
  /** Sends a message. The buffers in `transfer` are transferred to the worker and are empty in this thread afterwards. */
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  /** Ends the worker immediately. */
  terminate(): void;
}

/** Limits for reading a file, from a disk or from a server. */
export interface ReadLimits {
  /** Largest size of the file in bytes. Default: 2 GiB. */
  readonly maxBytes?: number;
  /** Signal that stops the read. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Functions that differ between Node, browsers and other runtimes. Each entry point of the package passes its platform to the objects that
 * it creates.
 */
export interface Platform {
  /** Name of the platform. `default` is any other JavaScript runtime, which has no files, no image decoder and no optional packages. */
  readonly name: 'node' | 'browser' | 'default';
  /** Imports optional packages, such as ONNX Runtime. */
  readonly loadPackage: PackageLoader;
  /** Loads the default decoder for image files, which is used if a call does not specify a decoder. */
  readonly loadDecoder?: () => Promise<Decoder>;
  /**
   * Reads a whole file. `source` is a path, a `file:` URL or an http(s) URL in Node, and a URL in a page. Throws a `file` error if the file
   * cannot be read or is too large, or if a server sends no byte for 60 seconds. Throws the reason of the signal if it is aborted.
   */
  readonly readFile?: (source: string | URL, limits?: ReadLimits) => Promise<Uint8Array>;
}
