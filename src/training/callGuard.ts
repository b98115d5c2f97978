import { createError } from '../core/errors/errors.js';
import { isPromise } from '../core/errors/formatValue.js';
import { toCheckedStore } from '../core/platform/checkedStore.js';
import type { Store } from '../core/platform/platform.js';

/** Time in milliseconds that a call may take after the run was aborted. */
const GRACE_MILLISECONDS = 4000;
/** Additional time in milliseconds for each MiB that a call writes. */
const GRACE_PER_MEBIBYTE = 500;

/**
 * Runs the calls of a training run into code of the user: the stores and the hooks of callbacks. If such a call does not end within a few
 * seconds after the run was aborted, it is rejected, so that a store or a hook that never answers cannot keep `fit` from ending.
 */
export class CallGuard {
  readonly #pendingCalls = new Set<Promise<unknown>>();

  constructor(readonly signal: AbortSignal | undefined) {}

  /**
   * Runs `call` and returns its result. Without an abort signal, the function waits as long as the call takes.
   *
   * @param description - The call as it appears in the error, for example `onEpochEnd() of the callback mine`.
   * @param bytes - Number of bytes that the call writes. A large file has more time.
   * @throws The error of the call. An `aborted` error if the call does not end in time after the signal was aborted.
   */
  async run<R>(description: string, call: () => R | Promise<R>, bytes = 0): Promise<R> {
    const { signal } = this;
    const result = call();
    if (!signal || !isPromise(result)) return result;
    const pending = Promise.resolve(result);
    const ended = pending.then(
      () => {},
      () => {},
    );
    this.#pendingCalls.add(ended);
    void ended.then(() => this.#pendingCalls.delete(ended));
    let timer: ReturnType<typeof setTimeout> | undefined;
    let startTimer = () => {};
    const expiry = new Promise<never>((_, reject) => {
      const grace = GRACE_MILLISECONDS + (bytes / 2 ** 20) * GRACE_PER_MEBIBYTE;
      startTimer = () => {
        timer ??= setTimeout(() => reject(createUnansweredError(description, grace)), grace);
      };
    });
    if (signal.aborted) startTimer();
    else signal.addEventListener('abort', startTimer);
    try {
      return await Promise.race([pending, expiry]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener?.('abort', startTimer);
    }
  }

  /** Returns a store whose calls are run by the guard, and whose results are checked. */
  wrapStore(store: Store): Store {
    return toCheckedStore(store, (description, call, bytes) => this.run(description, call, bytes));
  }

  /**
   * Calls `action` when all calls have ended: before this function returns, or later if a call was rejected because it did not end. Errors
   * of a later action are ignored.
   */
  async whenCallsEnded(action: () => Promise<void>): Promise<void> {
    if (this.#pendingCalls.size === 0) return action();
    void Promise.all(this.#pendingCalls)
      .then(action)
      .catch(() => {});
  }
}

const createUnansweredError = (description: string, grace: number) =>
  createError({
    kind: 'aborted',
    path: 'fit',
    expected: 'an end of the run after its signal was aborted',
    received: `no answer from ${description} within ${Math.round(grace / 1000)} seconds`,
    advice: 'Find out why this call does not end. The run can be resumed from its last checkpoint.',
  });
