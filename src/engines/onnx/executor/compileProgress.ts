import { createError } from '../../../core/errors/errors.js';
import { yieldToEventLoop } from '../../../core/yieldToEventLoop.js';

/** Time in milliseconds between two messages, and before the first message. */
const MESSAGE_INTERVAL_MS = 2000;

/**
 * Reports the progress of a compilation and stops it when a signal is aborted. Tracing and ONNX Runtime block the event loop, so a
 * compilation calls {@link CompileProgress.advance} after each part.
 */
export class CompileProgress {
  #lastTime = performance.now();

  /** @param description - Name of the compiled computation in messages, for example `the training step`. */
  constructor(
    readonly description: string,
    readonly log: (line: string) => void,
    readonly signal: AbortSignal | undefined,
  ) {}

  /**
   * Processes pending events and logs the part that comes next, unless the last message is less than two seconds old.
   *
   * @throws `aborted` error if the signal is aborted.
   */
  async advance(nextPart: string): Promise<void> {
    if (performance.now() - this.#lastTime >= MESSAGE_INTERVAL_MS) {
      this.log(`compiling ${this.description}: ${nextPart}`);
      this.#lastTime = performance.now();
    }
    await yieldToEventLoop();
    if (!this.signal?.aborted) return;
    throw createError({
      kind: 'aborted',
      path: this.description,
      expected: 'a signal that is not aborted',
      received: 'an aborted signal',
      advice: 'Start the run again.',
      cause: this.signal.reason,
    });
  }
}
