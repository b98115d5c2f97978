/** Abort signal that is triggered by Ctrl-C. */
export interface InterruptSignal {
  readonly signal: AbortSignal;
  /** Restores the default behavior of Ctrl-C, which ends the process. */
  dispose(): void;
}

/**
 * Lets Ctrl-C stop a run after its current step. A second Ctrl-C ends the process at once.
 *
 * @param advice - Sentence about how to continue the run.
 */
export function abortOnInterrupt(advice: string): InterruptSignal {
  const controller = new AbortController();
  const onInterrupt = () => {
    console.log(`\nStopping after the current step. Press Ctrl-C again to quit at once.\n${advice}`);
    controller.abort();
  };
  process.once('SIGINT', onInterrupt);
  return { signal: controller.signal, dispose: () => void process.off('SIGINT', onInterrupt) };
}
