/**
 * Counts the calls that are using a resource, so that a resource that is no longer needed is released after the last of them instead of
 * under them.
 */
export class UseCounter {
  #activeCalls = 0;
  #release: (() => void) | undefined;
  #isReleased = false;

  /** Whether {@link releaseAfterLastCall} was called. No new call may use the resource then. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** Runs `action`, during which the resource is not released. */
  async run<R>(action: () => Promise<R>): Promise<R> {
    this.#activeCalls++;
    try {
      return await action();
    } finally {
      this.#activeCalls--;
      this.#releaseIfUnused();
    }
  }

  /** Calls `release` when no call uses the resource any more: now, or at the end of the last call. A second call has no effect. */
  releaseAfterLastCall(release: () => void): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#release = release;
    this.#releaseIfUnused();
  }

  #releaseIfUnused(): void {
    if (this.#activeCalls > 0) return;
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}
