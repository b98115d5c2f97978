/** One word of the command line `tfjs-multitask`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly usage: string;
  /** Runs with the arguments behind the command's name. A fault it throws is printed as its message. */
  run(args: readonly string[]): Promise<void>;
}
