/** Time within which the threads of the wasm backend must start. It includes the download of the backend in a page. */
const THREAD_START_SECONDS = 30;

/** A time limit that has started. */
export interface StartLimit {
  /** Rejects with the reason when the time is over. */
  readonly expired: Promise<never>;
  /** Stops the timer, so that it does not keep the process alive. */
  stop(): void;
}

/** Starts the time limit for threads. `timeout` replaces the timer in tests: the limit expires when it resolves. */
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
