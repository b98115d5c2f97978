/** Time in seconds within which the threads of the wasm backend must start. In a page, the time includes the download of the backend. */
const THREAD_START_SECONDS = 30;

/** A running time limit for the start of threads. */
export interface StartLimit {
  /** Promise that rejects with the reason when the time limit is reached. */
  readonly expired: Promise<never>;
  /** Stops the timer, so that it does not keep the process alive. */
  stop(): void;
}

/** Starts the time limit for the start of threads. In tests, `timeout` replaces the timer: the limit expires when this promise resolves. */
export function startThreadLimit(timeout?: Promise<void>): StartLimit {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const elapsed =
    timeout ??
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, 1000 * THREAD_START_SECONDS);
    });
  const expired = elapsed.then((): never => {
    throw new Error(`no response within ${THREAD_START_SECONDS} seconds`);
  });
  expired.catch(() => {}); // The limit can expire when no start waits for it any more.
  return { expired, stop: () => clearTimeout(timer) };
}
